"""The application acknowledgement of enhanced mode: what became of a message, told in a message of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from answer_world import FEED, SENDER, AnswerWorld, answering, message, result
from feed_hospital import Hospital
from feed_world import QUICK, FeedWorld, engine, until
from free_ports import free_port
from hl7apy.parser import parse_message

from hie.app import build
from hie.exchange.answering import wanted
from hie.exchange.editing import Editing
from hie.exchange.inbound import InboundMessage
from hie.exchange.outcomes import Outcome
from hie.exchange.replaying import Replaying, selected
from hie.feeds.answers import NO_ADDRESS
from hie.settings import Settings
from records.stored import Write


@pytest.fixture
async def idle(resting: FeedWorld) -> AsyncIterator[AnswerWorld]:
    """The exchange listens, and has no workers."""
    async with answering(resting.services, resting.hospital) as world:
        yield world


@pytest.fixture
async def site(idle: AnswerWorld) -> AsyncIterator[AnswerWorld]:
    """The same with a worker."""
    async with engine(idle.services):
        yield idle


async def conflict(site: AnswerWorld, control: str, **words: Any) -> list[str]:
    """Two orders, then a result with the numbers of both: it cannot be filed."""
    await site.ordered()
    return await site.send(result(control, filler="F2", **words))


class TestBoth:
    async def test_filed(self, site: AnswerWorld) -> None:
        """CA on the connection, AA at the address: a message of its own, to whoever sent, that asks for no answer."""
        await site.profile()
        assert await site.send(result("R1")) == ["CA R1"]
        assert await site.answers(1) == ["AA R1"]

        answer = site.hospital.messages[0]
        assert [answer.header.text(at) for at in (3, 4, 5, 6)] == ["HIE", "ZB", "LIS", "H01"]
        assert [answer.header.raw(9), answer.header.text(15), answer.header.text(16)] == ["ACK^R01^ACK", "AL", "NE"]
        assert answer.control_id not in ("", "R1")
        assert answer.findings == ()
        assert parse_message(site.hospital.raw[0].decode()).validate()
        assert (await site.entry("R1"))["told"] == "AA"

    async def test_dead_letter(self, site: AnswerWorld) -> None:
        """Order numbers that contradict each other: CA, then AE with place and reason, and nothing of the patient."""
        await site.profile()
        assert await conflict(site, "R1") == ["CA R1"]
        assert await site.answers(1) == ["AE R1"]

        err = site.hospital.messages[0].first("ERR")
        assert (err.raw(2), err.text(3), err.text(4)) == ("ORC^1^2", "205", "E")
        assert err.text(8) == "the order numbers belong to different orders"
        body = site.hospital.raw[0].decode().partition("\r")[2]
        assert not [one for one in ("王", "L1", "O1", "F2", "1985") if one in body]
        assert (await site.entry("R1"))["state"] == "dead"

    async def test_older_version(self, site: AnswerWorld) -> None:
        """In a version whose ERR says only where, MSA-3 says why."""
        await site.profile()
        await conflict(site, "R1", version="2.3.1")
        await site.answers(1)

        answer = site.hospital.messages[0]
        assert answer.first("MSA").text(3) == "the order numbers belong to different orders"
        assert answer.header.text(12) == "2.3.1"

    async def test_master_file(self, site: AnswerWorld) -> None:
        """A master file that was filed is answered by MFK, entry by entry."""
        await site.profile()
        mfn = message(
            "MFN^M02", "MFI|PRA||UPD|||AL", "MFE|MAD|E1||D1|CWE", "STF|D1|D1^^^H01|李^四|||M", control="S1", pid=""
        )
        assert await site.send(mfn) == ["CA S1"]
        assert await site.answers(1) == ["AA S1"]

        answer = site.hospital.messages[0]
        assert (answer.header.raw(9), answer.first("MFA").text(2)) == ("MFK^M02^MFK_M01", "E1")


class TestConditions:
    @pytest.mark.parametrize(
        ("asks", "expected"),
        [("AL|AL", ["AA", "AE"]), ("AL|ER", ["AE"]), ("AL|SU", ["AA"]), ("AL|NE", []), ("AL|", []), ("|", [])],
    )
    async def test_table_0155(self, site: AnswerWorld, asks: str, expected: list[str]) -> None:
        """MSH-16 is judged by what became of the message; original mode asks for nothing."""
        await site.profile()
        good = result("GOOD", "O9", "F9", asks=asks)
        await site.send(good)
        await conflict(site, "BAD", asks=asks)

        assert [one[:2] for one in await site.quiet()] == expected

    @pytest.mark.parametrize(
        ("asks", "connection", "expected"),
        [
            ("NE|AL", ["AA R1"], ["AE R1"]), ("|AL", ["AA R1"], ["AE R1"]), ("NE|ER", [], ["AE R1"]),
            ("NE|SU", ["AA R1"], []), ("ER|AL", ["AA R1"], ["AE R1"]), ("NE|NE", [], []),
        ],
    )  # fmt: skip
    async def test_without_accept(
        self, site: AnswerWorld, asks: str, connection: list[str], expected: list[str]
    ) -> None:
        """MSH-15 asks for nothing: MSH-16 is answered on the connection as in original mode; later only a failure."""
        await site.profile()
        await site.ordered()
        assert await site.post(result("R1", filler="F2", asks=asks)) == connection
        assert await site.quiet() == expected

    async def test_refused_at_once(self, site: AnswerWorld) -> None:
        """What was not taken (CR) is answered on the connection, and that is all."""
        await site.load({"sender": SENDER, "accept": ["ADT^*"], "answers": {"address": "127.0.0.1:9"}})
        assert await site.send(result("R1")) == ["CR R1"]

        assert await site.services.feeds.messages.count_documents({}) == 0

    @pytest.mark.parametrize(
        ("application", "told", "state", "failures", "code"),
        [
            ("AL", "", "kept", False, "AA"), ("AL", "AE", "committed", False, "AA"),
            ("AL", "AA", "committed", False, ""),
            ("AL", "AE", "dead", False, ""), ("AL", "AA", "dead", False, ""), ("ER", "AE", "committed", False, ""),
            ("SU", "", "dead", False, ""), ("", "", "dead", False, ""), ("", "", "dead", True, "AE"),
            ("", "", "committed", True, ""), ("", "AE", "committed", True, "AA"), ("NE", "", "dead", True, ""),
        ],
    )  # fmt: skip
    def test_decision(self, application: str, told: str, state: Any, failures: bool, code: str) -> None:
        """AA is the last word; an AE is said once, and taken back where AA is not ruled out."""
        one = InboundMessage("1", "mllp", None, b"", application=application, told=told)  # type: ignore[arg-type]
        assert wanted(Outcome(one, state), failures=failures) == code


class TestAddress:
    async def test_none(self, site: AnswerWorld) -> None:
        """Without an address there is the accept acknowledgement alone, and the journal says so."""
        assert await site.send(result("R1")) == ["CA R1"]
        await site.filed()

        entry = await site.entry("R1")
        assert (entry["state"], "told" in entry) == ("committed", False)
        assert NO_ADDRESS in entry["remarks"]
        assert await site.services.feeds.messages.count_documents({}) == 0

    async def test_failures_of_original_mode(self, site: AnswerWorld) -> None:
        """`when: failed`: who asks for nothing hears of what could not be filed, and of nothing else."""
        await site.profile(when="failed")
        await site.send(result("GOOD", "O9", "F9", asks="|"))
        assert await conflict(site, "BAD", asks="|") == ["AA BAD"]

        assert await site.answers(1) == ["AE BAD"]
        assert await site.quiet() == ["AE BAD"]

    async def test_off_by_default(self, site: AnswerWorld) -> None:
        """Without that word, original mode hears of nothing."""
        await site.profile()
        assert await conflict(site, "BAD", asks="|") == ["AA BAD"]

        assert await site.quiet() == []

    async def test_release_2(self, site: AnswerWorld) -> None:
        """The address may speak MLLP release 2: commit, answer, commit."""
        async with Hospital.open(release=2) as other:
            await site.profile(other, mllp=2)
            await site.send(result("R1"))
            await until(lambda: other.messages)
            await site.quiet()

        assert (await site.services.feeds.counts(FEED))["sent"] == 1

    async def test_unconfirmed(self, site: AnswerWorld) -> None:
        """`accept: NE`: the site answers nothing to an answer, and nothing is waited for."""
        port, came = free_port(), list[bytes]()

        async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while chunk := await reader.read(65536):
                came.append(chunk)
            writer.close()

        server = await asyncio.start_server(deaf, "127.0.0.1", port)
        async with server:
            await site.profile(port, accept="NE")
            await site.send(result("R1"), result("R2", "O3", "F3"))
            await until(lambda: b"".join(came).count(b"MSA|AA|") == 2)
            await site.quiet()

        assert b"|NE|NE|" in came[0]

    async def test_moved(self, site: AnswerWorld) -> None:
        """Another address in the profile: what waits goes there."""
        await site.profile(free_port())
        await site.send(result("R1"))
        await until(lambda: tried(site))
        await site.profile()

        assert await site.answers(1) == ["AA R1"]


async def tried(site: AnswerWorld) -> bool:
    return await site.services.feeds.messages.find_one({"feed": FEED, "tries": {"$gte": 2}}) is not None


class TestAgain:
    async def test_resent(self, site: AnswerWorld) -> None:
        """The same message again: the accept acknowledgement again, and no second answer."""
        await site.profile()
        assert await site.send(result("R1"), result("R1")) == ["CA R1", "CA R1"]
        await site.answers(1)
        assert await site.send(result("R1")) == ["CA R1"]

        assert await site.quiet() == ["AA R1"]

    async def test_replayed(self, site: AnswerWorld) -> None:
        """A replay of what is filed says nothing new; neither does a dead letter that is dead again."""
        await site.profile()
        await conflict(site, "R1")
        await site.send(result("R2", "O9", "F9"))
        await site.answers(2)
        replaying = Replaying(site.services.journal)
        for control in ("R1", "R2"):
            await replaying.run(selected([(await site.entry(control))["_id"]]), by="li")
        await site.filed()
        assert [(await site.entry(one))["attempts"] for one in ("R1", "R2")] == [2, 2]

        assert await site.quiet() == ["AE R1", "AA R2"]

    async def test_replayed_with_success(self, site: AnswerWorld) -> None:
        """A dead letter that ends well after all: AA, for the same message."""
        await site.profile()
        await conflict(site, "R1")
        await site.answers(1)
        store = site.services.store
        found = await store.search("ServiceRequest", (("identifier", "F2"),))
        await store.apply([Write("delete", "ServiceRequest", row.id) for row in found.matches])
        await Replaying(site.services.journal).run(selected([(await site.entry("R1"))["_id"]]), by="li")

        assert await site.answers(2) == ["AE R1", "AA R1"]
        assert len({one.control_id for one in site.hospital.messages}) == 2

    async def test_corrected(self, site: AnswerWorld) -> None:
        """A message in a person's words, under another control id: AA names the message as it was sent."""
        await site.profile()
        await conflict(site, "R1")
        await site.answers(1)
        editing = Editing(site.services.journal, site.services.directory)
        await editing.replace((await site.entry("R1"))["_id"], result("R1-B"), by="li", why="filler's number mistyped")

        assert await site.answers(2) == ["AE R1", "AA R1"]

    async def test_quarantine(self, settings: Settings) -> None:
        """Of a sender nobody knows nothing is said but CA; once it is known, what becomes of its messages is."""
        strict = settings.model_copy(update={"unknown_sender": "quarantine"})
        async with build(strict) as services, Hospital.open() as hospital, answering(services, hospital) as site:
            await site.profile()
            async with engine(services):
                assert await site.send(result("R1")) == ["CA R1"]
                await until(lambda: _in_quarantine(site))
                assert await services.feeds.messages.count_documents({}) == 0
                organization = {"resourceType": "Organization", "id": "h01", "name": "一院"}
                await services.store.apply([Write("update", "Organization", "h01", resource=organization)])
                await services.directory.register(SENDER, "h01", by="li")
                assert await site.answers(1) == ["AA R1"]


class TestDelivery:
    async def test_away(self, site: AnswerWorld) -> None:
        """Nobody at the address: the answers wait, and arrive in order when somebody is there."""
        port = free_port()
        await site.profile(port)
        for number in range(1, 5):
            await site.send(result(f"R{number}", f"O{number}", f"F{number}"))
            await site.filed()
        await until(lambda: tried(site))
        head = await site.services.feeds.messages.find_one({"feed": FEED, "state": "waiting"}, sort=[("_id", 1)])
        assert head is not None and head["reason"] == "nobody listens at the address"
        async with Hospital.open(port) as late:
            await site.quiet()

        assert [one.first("MSA").text(2) for one in late.messages] == ["R1", "R2", "R3", "R4"]

    async def test_refused(self, site: AnswerWorld) -> None:
        """The site's CE makes the answer a dead letter of its feed, CR sends it again; the next goes out."""
        await site.profile()
        site.hospital.script.extend(["CE", "CR"])
        for number in (1, 2):
            await site.send(result(f"R{number}", f"O{number}", f"F{number}"))
            await site.answers(number)
        assert await site.quiet() == ["AA R1", "AA R2", "AA R2"]

        (dead,) = await site.services.feeds.dead(FEED)
        assert dead["reason"].startswith("CE")
        assert site.hospital.controls[1] == site.hospital.controls[2]
        assert await site.services.feeds.replay(FEED, {"state": "dead"}) == 1
        assert (await site.quiet())[3:] == ["AA R1"]
        assert site.hospital.controls[3] not in site.hospital.controls[:3]

    async def test_crash_before_sending(self, idle: AnswerWorld, settings: Settings) -> None:
        """A process that dies between the outcome and the sending: the next one sends the answer, once."""
        await idle.profile()
        await idle.send(result("R1"))
        idle.hospital.delay = 60
        async with engine(idle.services, "one", replace(QUICK, margin=0.2)):
            await idle.filed()
            await _die()
        assert (await idle.entry("R1"))["told"] == "AA"
        before = len(idle.hospital.messages)
        idle.hospital.delay = 0
        async with engine(idle.services, "two", replace(QUICK, margin=0.2)):
            await idle.quiet()

        assert len(idle.hospital.messages) == before + 1
        assert len(set(idle.hospital.controls)) == 1

    @pytest.mark.parametrize(("filler", "expected"), [("F1", "AA R1"), ("F2", "AE R1")])
    async def test_outcome_and_answer_together(self, idle: AnswerWorld, filler: str, expected: str) -> None:
        """Where the answer cannot be written, the outcome is not either: the message waits, and both come later."""
        await idle.profile()
        async with engine(idle.services, "zero"):
            await idle.ordered()
        await idle.send(result("R1", filler=filler))
        database = idle.services.client[f"{idle.services.settings.database_prefix}_exchange"]
        refuse = {"collMod": "feed_messages", "validator": {"never": True}}
        await database.command(refuse)
        async with engine(idle.services, "one"):
            await asyncio.sleep(1)
            assert (await idle.entry("R1"))["state"] == "pending"
            await database.command(refuse | {"validator": {}})
            assert await idle.answers(1) == [expected]

    async def test_held_back(self, site: AnswerWorld) -> None:
        """The feed of the answers is one as any other: listed, counted, held back and let go."""
        await site.profile()
        await until(lambda: _listed(site))
        assert await site.services.feeds.pause(FEED, paused=True)
        await site.send(result("R1"))
        await site.filed()
        await asyncio.sleep(0.2)
        assert (site.heard, (await site.services.feeds.counts(FEED))["waiting"]) == ([], 1)

        await site.services.feeds.pause(FEED, paused=False)
        assert await site.quiet() == ["AA R1"]


async def _in_quarantine(site: AnswerWorld) -> bool:
    return (await site.services.journal.counts())["quarantined"] == 1


async def _listed(site: AnswerWorld) -> bool:
    return FEED in [one.name for one in await site.services.feeds.all()]


async def _die() -> None:
    """Every task of the process's delivery ends at once, and the database hears nothing of it."""
    for task in asyncio.all_tasks():
        if "_serve" in str(task.get_coro()):
            task.cancel()
    await asyncio.sleep(0.05)
