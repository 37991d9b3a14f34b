"""A referral's life between two institutions, against a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from regional_medical_world import ASKED, CLINIC, FAMILY, HOSPITAL, NOW, SPECIALIST, STRANGER, World, proposal

from hie.applications.regional_medical import queries, use_cases
from hie.applications.regional_medical.referral import discharge_id
from hie.errors import Refused, Unprocessable
from records.errors import Conflict, NotFound
from records.validation import check


@pytest.fixture
async def world(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> AsyncIterator[World]:
    yield await World(mongo, database_prefix).start()


class TestWay:
    async def test_whole(self, world: World) -> None:
        """Up and back again: each state on both resources, each step in the history, the follow-up done."""
        referral = await world.begin()
        states = []
        for actor, action, text in (
            (SPECIALIST, "accept", "11月25日上午"), (SPECIALIST, "arrive", ""), (SPECIALIST, "admit", ""),
            (SPECIALIST, "propose-down", "血压已控制，继续服药"), (FAMILY, "close", "已随访，血压 132/84"),
        ):  # fmt: skip
            states.append(await world.go(referral, actor, action, text))
        loaded = await use_cases.load(world.reader, referral)
        told = await queries.timeline(world.reader, loaded.task.resource())
        follow_up = (await world.store.read("Task", discharge_id(referral))).resource()

        assert states == ["accepted", "arrived", "in-care", "down-proposed", "closed"]
        assert (loaded.task.resource()["status"], loaded.request.resource()["status"]) == ("completed", "completed")
        assert [one.action for one in reversed(told)] == [
            "draft", "submit", "accept", "arrive", "admit", "propose-down", "close",
        ]  # fmt: skip
        assert (told[0].who, told[0].organization, told[0].text) == ("李医生", "机构clinic", "已随访，血压 132/84")
        assert (loaded.referral.slot, loaded.referral.summary) == ("11月25日上午", "血压已控制，继续服药")
        assert (follow_up["status"], follow_up["owner"]["reference"]) == ("completed", CLINIC)

    async def test_valid(self, world: World) -> None:
        """All that a referral leaves behind is valid FHIR."""
        referral = await world.begin()
        await world.go_up(referral, "accept", "arrive", "admit", "propose-down")
        for kind in ("Task", "ServiceRequest", "Provenance"):
            found = await world.reader.all(kind)
            assert found
            for resource in found:
                check(resource)

    async def test_returned(self, world: World) -> None:
        """A returned referral is mended and submitted again, with a new limit."""
        referral = await world.begin()
        await world.go(referral, SPECIALIST, "return", "请补充检查结果")
        assert (await world.found(referral)).note == "请补充检查结果"

        world.clock.pass_(hours=5)
        version = (await use_cases.load(world.reader, referral)).task.version
        mended = replace(ASKED, reason="已补充")
        await use_cases.revise(world.work, world.reader, referral, mended, FAMILY, version=version, submit=True)
        found = await world.found(referral)

        assert (found.state, found.application.reason, found.note) == ("submitted", "已补充", "")
        assert found.deadline == NOW + timedelta(hours=5, minutes=30)

    async def test_level_finishes(self, world: World) -> None:
        """A patient who was sent down is closed by the receiver."""
        referral = await world.begin(replace(ASKED, direction="down"))
        await world.go_up(referral, "accept", "arrive", "admit", "finish")

        assert (await world.found(referral)).state == "closed"
        with pytest.raises(NotFound):
            await world.store.read("Task", discharge_id(referral))


class TestParties:
    async def test_stranger(self, world: World) -> None:
        """A third institution takes no step, whatever the state."""
        referral = await world.begin()
        for action in ("accept", "refuse", "cancel"):
            with pytest.raises(Refused):
                await world.go(referral, STRANGER, action, "x")

    async def test_sender_does_not_accept(self, world: World) -> None:
        """Nobody answers oneself."""
        referral = await world.begin()
        with pytest.raises(Refused):
            await world.go(referral, FAMILY, "accept")

        assert (await world.found(referral)).state == "submitted"

    async def test_to_oneself(self, world: World) -> None:
        """A referral goes to another institution."""
        with pytest.raises(Unprocessable):
            await world.begin(replace(ASKED, receiver=CLINIC))

    async def test_consent(self, world: World) -> None:
        """Without the patient's agreement nothing is sent; a draft may wait for it."""
        with pytest.raises(Unprocessable):
            await world.begin(replace(ASKED, agreed=False))
        referral = await world.begin(replace(ASKED, agreed=False), submit=False)

        assert (await world.found(referral)).state == "draft"

    async def test_edit_by_receiver(self, world: World) -> None:
        """Only the sender rewrites."""
        referral = await world.begin(submit=False)
        with pytest.raises(Unprocessable):
            await use_cases.revise(world.work, world.reader, referral, ASKED, SPECIALIST, version=1, submit=False)


class TestRaces:
    async def test_two_answers(self, world: World) -> None:
        """Of two answers at the same moment one stands, and the other is told so."""
        referral = await world.begin()
        answers = await asyncio.gather(
            world.go(referral, SPECIALIST, "accept", version=1),
            world.go(referral, SPECIALIST, "refuse", "无床位", version=1),
            return_exceptions=True,
        )

        assert sorted(type(one).__name__ for one in answers) == ["Conflict", "str"]
        assert (await world.found(referral)).state in ("accepted", "refused")

    async def test_sent_twice(self, world: World) -> None:
        """A form that is sent twice is one referral."""
        await world.begin()
        with pytest.raises(Conflict):
            await world.begin()

        assert len(await world.drafts()) == 1

    async def test_old_page(self, world: World) -> None:
        """A button on an old page does nothing."""
        referral = await world.begin()
        await world.go(referral, FAMILY, "cancel", "患者改变主意")
        with pytest.raises(Conflict):
            await world.go(referral, SPECIALIST, "accept", version=1)


class TestClock:
    async def test_expires(self, world: World) -> None:
        """A patient who never came: expired after its days, once."""
        referral = await world.begin()
        await world.go(referral, SPECIALIST, "accept")
        world.clock.pass_(days=6)
        assert await use_cases.expire(world.work) == 0

        world.clock.pass_(days=2)
        assert [await use_cases.expire(world.work) for _ in range(2)] == [1, 0]
        found = await world.found(referral)
        assert (found.state, found.deadline) == ("expired", None)

    async def test_unanswered_stays(self, world: World) -> None:
        """An unanswered referral is late, and never dropped."""
        referral = await world.begin()
        world.clock.pass_(days=60)

        assert await use_cases.expire(world.work) == 0
        assert (await world.found(referral)).is_late(world.clock())

    async def test_traffic_moves_the_clock(self, world: World) -> None:
        """Any event of the module lets expired referrals go."""
        referral = await world.begin()
        await world.go(referral, SPECIALIST, "accept")
        await world.deliver()
        world.clock.pass_(days=8)
        await world.begin(key="other")
        await world.deliver()

        assert (await world.found(referral)).state == "expired"


class TestProposal:
    async def test_draft(self, world: World) -> None:
        """Primary care's advice is a draft of the institution that gave it; hearing it again adds nothing."""
        await world.tell(proposal())
        await world.tell(proposal())
        (task,) = await world.drafts()
        found = await world.found(task["id"])

        assert (found.state, found.sender, found.application.reason) == ("draft", CLINIC, "血压或症状危急")
        assert (found.application.diagnosis, found.application.priority, found.proposal) == ("高血压", "urgent", "p")

    async def test_submitted(self, world: World) -> None:
        """What is sent on answers the proposal."""
        await world.tell(proposal())
        (task,) = await world.drafts()
        await use_cases.revise(world.work, world.reader, task["id"], ASKED, FAMILY, version=1, submit=True)

        assert (await world.store.read("ServiceRequest", "p")).resource()["status"] == "completed"
        await world.deliver()
        assert len(await world.drafts()) == 1

    async def test_cancelled(self, world: World) -> None:
        """What is not followed is taken back, and does not come again."""
        await world.tell(proposal())
        (task,) = await world.drafts()
        await world.go(task["id"], FAMILY, "cancel", "患者拒绝")
        await world.deliver()

        assert (await world.store.read("ServiceRequest", "p")).resource()["status"] == "revoked"
        assert [one["status"] for one in await world.drafts()] == ["cancelled"]

    async def test_unclaimed(self, world: World) -> None:
        """Advice that no institution gave may be taken up by any; it becomes the sender."""
        await world.tell(proposal(sender=""))
        (task,) = await world.drafts()
        asked = replace(ASKED, receiver=HOSPITAL)
        await use_cases.revise(world.work, world.reader, task["id"], asked, STRANGER, version=1, submit=True)

        assert (await world.found(task["id"])).sender == "Organization/other"

    async def test_other_requests(self, world: World) -> None:
        """An order of a laboratory is no referral."""
        await world.tell({**proposal(), "category": [{"text": "检验"}]})

        assert not await world.drafts()


class TestBoxes:
    async def test_counts(self, world: World) -> None:
        """Each side sees its own boxes, and late ones twice."""
        first = await world.begin(key="1")
        await world.begin(key="2", application=replace(ASKED, priority="routine"))
        await world.begin(key="3", submit=False)
        await world.go(first, SPECIALIST, "accept")
        world.clock.pass_(hours=30)
        now = world.clock()
        inbox = await queries.listed(world.reader, "inbox", SPECIALIST.own, "waiting", now)
        outbox = await queries.listed(world.reader, "outbox", FAMILY.own, "drafts", now)
        nothing = await queries.listed(world.reader, "inbox", STRANGER.own, "waiting", now)

        assert [(line.name, line.other, line.late) for line in inbox.lines] == [("王秀英", "机构clinic", True)]
        assert inbox.counts == {"overdue": 1, "waiting": 1, "coming": 1, "here": 0, "back": 0, "done": 0}
        assert (outbox.counts["drafts"], outbox.counts["waiting"], outbox.counts["under-way"]) == (1, 1, 1)
        assert [line.referral.state for line in outbox.lines] == ["draft"]
        assert nothing.total == 0

    async def test_waiting(self, world: World) -> None:
        """The landing page counts what the institution itself must do."""
        await world.begin()
        world.clock.pass_(minutes=31)

        assert await queries.waiting(world.reader, "inbox", SPECIALIST.own, world.clock()) == (1, 1)
        assert await queries.waiting(world.reader, "outbox", FAMILY.own, world.clock()) == (0, 0)

    async def test_nobody(self, world: World) -> None:
        """Who speaks for no institution has empty boxes."""
        await world.begin()
        listed = await queries.listed(world.reader, "inbox", frozenset(), "waiting", world.clock())

        assert (listed.total, set(listed.counts.values())) == (0, {0})
