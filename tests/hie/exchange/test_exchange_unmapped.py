"""The queue of unmapped parts, against a real database: counted once, resolved, replayed and counted anew."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from adapters.hl7v2.site import Site
from hie.exchange.inbound import InboundMessage
from hie.exchange.journal import Journal
from hie.exchange.unmapped import UnmappedQueue

V2 = "http://terminology.hl7.org/CodeSystem/v2-0004"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
CODE = {"kind": "code", "location": "PV1-2", "system": V2, "code": "特诊", "display": ""}
FIELD = {"kind": "field", "location": "PID-33", "system": "", "code": "", "display": ""}
SITE = Site("site-a", code_maps={"HL70004": {"特诊": ("urn:s", "AMB", "")}})


class World:
    """A journal with concluded messages, and the queue over it."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], prefix: str) -> None:
        self.journal, self.queue = Journal(client, prefix), UnmappedQueue(client, prefix)

    async def done(self, *parts: dict[str, str], site: str = "site-a") -> InboundMessage:
        raw = f"MSH|{self.journal.next_id()}".encode()
        message = InboundMessage(self.journal.next_id(), "mllp", NOW, raw, site=site, sender=site, control_id="c")
        await self.journal.append(message, b"")
        await self.journal.conclude(message, "committed", unmapped=parts)
        return message

    async def counts(self, site: str = "site-a") -> dict[str, int]:
        while await self.queue.roll_up():
            pass
        return {one["code"] or one["location"]: one["count"] for one in await self.queue.find(site=site)}


@pytest.fixture
async def world(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> World:
    one = World(mongo, database_prefix)
    await one.journal.ensure_indexes()
    return one


class TestResolve:
    async def test_leaves(self, world: World) -> None:
        """What the profile of a site knows leaves the queue of that site, and of no other."""
        await world.done(CODE, FIELD)
        await world.done(CODE, site="site-b")
        await world.counts()

        assert [one["code"] for one in await world.queue.resolve(SITE)] == ["特诊"]
        assert await world.counts() == {"PID-33": 1}
        assert await world.counts("site-b") == {"特诊": 1}

    async def test_comes_again(self, world: World) -> None:
        """What is sent again and still not mapped is counted again."""
        await world.done(CODE)
        await world.counts()
        await world.queue.resolve(SITE)
        await world.done(CODE)

        assert await world.counts() == {"特诊": 1}


class TestReplay:
    async def test_affected(self, world: World) -> None:
        """Only the messages that hold a part are released; each once, however many it holds."""
        first, _, both = await world.done(CODE), await world.done(FIELD), await world.done(CODE, FIELD)

        assert await world.queue.affected("site-a", [CODE]) == 2
        assert await world.queue.replay("site-a", [CODE], by="li", at=NOW) == 2
        waiting = await world.journal.search(state="pending")
        assert {one.id for one in waiting} == {first.id, both.id}
        details = await world.journal.details(first.id)
        assert details["released"][0]["by"] == "li"

    async def test_counted_anew(self, world: World) -> None:
        """When replayed messages are done the site is counted by what is left, and they are not affected any more."""
        first, both = await world.done(CODE), await world.done(CODE, FIELD)
        assert await world.counts() == {"特诊": 2, "PID-33": 1}
        await world.queue.replay("site-a", [CODE], by="li", at=NOW)
        for message, left in ((first, ()), (both, (FIELD,))):
            found = await world.journal.get(message.id)
            assert found is not None
            await world.journal.conclude(found, "committed", unmapped=left)

        assert await world.counts() == {"PID-33": 1}
        assert await world.queue.affected("site-a", [CODE]) == 0

    async def test_not_while_it_waits(self, world: World) -> None:
        """As long as messages of the site wait, the counts stay as they are."""
        await world.done(CODE)
        await world.counts()
        await world.queue.replay("site-a", [CODE], by="li", at=NOW)

        assert await world.counts() == {"特诊": 1}

    async def test_many(self, world: World) -> None:
        """More parts than are asked for at once; a message with several of them is counted once by each group."""
        parts = [{**CODE, "code": f"c{number}"} for number in range(150)]
        await world.done(parts[0])
        await world.done(parts[149])

        assert await world.queue.replay("site-a", parts, by="li", at=NOW) == 2
