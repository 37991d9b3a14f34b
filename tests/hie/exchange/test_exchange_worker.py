"""Workers against a real database: order, failures, take-over, and that each effect is there once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from adapters.errors import NotUnderstood
from adapters.facts import Translation, Unmapped
from hie.errors import Unavailable
from hie.exchange.dead_letters import DeadLetters
from hie.exchange.inbound import InboundMessage
from hie.exchange.journal import Journal
from hie.exchange.leases import Leases
from hie.exchange.pipeline import Pipeline
from hie.exchange.steps.conclude import Conclude
from hie.exchange.unmapped import UnmappedQueue
from hie.exchange.work import Work
from hie.exchange.worker import Pace, Worker
from records.errors import Invalid, Issue
from records.resource_store import ResourceStore

Step = Callable[[Work], Awaitable[Work]]
LANES = 4
QUICK = Pace(housekeeping=0.05)


class World:
    """A journal, an effect that can be counted, and workers that make it."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], prefix: str) -> None:
        self.client, self.prefix = client, prefix
        self.journal = Journal(client, prefix)
        self.store = ResourceStore(client, prefix)
        self.effects = client[f"{prefix}_exchange"]["effects"]
        self.unmapped = UnmappedQueue(client, prefix)

    async def receive(self, control: str, lane: int = 0, other: int | None = None) -> InboundMessage:
        message = InboundMessage(
            self.journal.next_id(), "mllp", datetime.now(UTC), control.encode(), sender="A|B", site="site-a-b",
            control_id=control, type="ADT^A01", lane=lane, other_lane=other,
        )  # fmt: skip
        await self.journal.append(message, b"")
        return message

    async def take_effect(self, work: Work) -> Work:
        await self.effects.insert_one({"control": work.entry.control_id, "lane": work.entry.lane}, session=work.session)
        return work

    def worker(self, name: str, *before: Step, seconds: float = 10.0) -> Worker:
        pipeline = Pipeline(self.store, tuple(before), (self.take_effect, Conclude(self.journal)))
        leases = Leases(self.client, self.prefix, "lanes", name, seconds=seconds)
        return Worker(self.journal, pipeline, leases, lanes=LANES, unmapped=self.unmapped, pace=QUICK)

    @asynccontextmanager
    async def working(self, *workers: Worker) -> Any:
        stop = asyncio.Event()
        tasks = [asyncio.create_task(worker.run(stop)) for worker in workers]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    async def until(self, state: str, count: int, seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while await self.journal.collection.count_documents({"state": state}) < count:
                await asyncio.sleep(0.02)

    async def made(self, lane: int | None = None) -> list[str]:
        found = self.effects.find({} if lane is None else {"lane": lane}).sort("_id", 1)
        return [document["control"] async for document in found]


@pytest.fixture
async def world(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> World:
    """Nothing was received yet."""
    one = World(mongo, database_prefix)
    await one.journal.ensure_indexes()
    await one.store.ensure_indexes()
    await one.effects.create_index("control")
    return one


class TestWorker:
    async def test_order(self, world: World) -> None:
        """Three workers do everything once, and each lane in its order."""
        for number in range(80):
            await world.receive(f"{number:03}", lane=number % LANES)

        async with world.working(*(world.worker(str(n)) for n in range(3))):
            await world.until("committed", 80)

        assert sorted(await world.made()) == [f"{number:03}" for number in range(80)]
        for lane in range(LANES):
            made = await world.made(lane)
            assert made == sorted(made)

    async def test_fewer_lanes_than_before(self, world: World) -> None:
        """Messages of a time of more lanes are not left behind."""
        await world.receive("new", lane=0)
        await world.receive("old", lane=LANES + 9)

        async with world.working(world.worker("one")):
            await world.until("committed", 2)

    async def test_merge_waits(self, world: World) -> None:
        """A merge is done after what is older in both lanes, and before what is younger in either."""
        for control, lane, other in (("1", 1, None), ("2", 1, None), ("3", 0, 1), ("4", 1, None), ("5", 0, None)):
            await world.receive(control, lane, other)

        async with world.working(world.worker("one")):
            await world.until("committed", 5)

        made = await world.made()
        assert made.index("3") > made.index("2")
        assert made.index("3") < min(made.index("4"), made.index("5"))

    async def test_dead_letter(self, world: World) -> None:
        """What cannot finish is set aside with a reason; the lane goes on; replay finishes it."""
        broken = True

        async def refuse(work: Work) -> Work:
            if work.entry.control_id == "bad" and broken:
                raise Invalid("Not valid.", issues=[Issue("Patient.birthDate", "1985-06-12 is wrong", "value")])
            return work

        await world.receive("bad")
        await world.receive("good")
        async with world.working(world.worker("one", refuse)):
            await world.until("committed", 1)
            dead = await DeadLetters(world.journal).find()
            assert [letter.reason for letter in dead] == ["Not valid. Patient.birthDate: value"]
            broken = False
            assert await DeadLetters(world.journal).replay([dead[0].id], by="administrator") == 1
            await world.until("committed", 2)

        assert await world.made() == ["good", "bad"]

    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (NotUnderstood("No PID.", location="PID"), "No PID. PID"),
            (ValueError("王晓梅 370303198506120428"), "Unexpected ValueError"),
        ],
    )
    async def test_reasons(self, world: World, error: Exception, reason: str) -> None:
        """A reason never holds what an unexpected exception says: it may be health data."""

        async def fail(_work: Work) -> Work:
            raise error

        await world.receive("bad")
        async with world.working(world.worker("one", fail)):
            await world.until("dead", 1)

        assert [letter.reason for letter in await DeadLetters(world.journal).find()] == [reason]

    async def test_passing_failure(self, world: World) -> None:
        """A passing failure makes the lane wait, in order, and other lanes go on."""
        failures = 3

        async def fail(work: Work) -> Work:
            nonlocal failures
            if work.entry.control_id == "1" and failures:
                failures -= 1
                raise Unavailable("later")
            return work

        for control, lane in (("1", 0), ("2", 0), ("3", 1)):
            await world.receive(control, lane)
        async with world.working(world.worker("one", fail)):
            await world.until("committed", 3)

        assert await world.made() == ["3", "1", "2"]

    async def test_killed(self, world: World) -> None:
        """A worker that dies in the middle leaves nothing half done; another takes its lanes over."""

        async def hang(_work: Work) -> Work:
            await asyncio.sleep(60)
            raise AssertionError

        await world.receive("1")
        dying = asyncio.create_task(world.worker("dying", hang, seconds=0.5).run(asyncio.Event()))
        await asyncio.sleep(0.3)
        dying.cancel()
        async with world.working(world.worker("next")):
            await world.until("committed", 1)

        assert await world.made() == ["1"]

    async def test_unmapped(self, world: World) -> None:
        """What stayed unmapped is counted once, also when the message is replayed."""
        parts = (Unmapped("code", "OBX-3", "urn:local", "GLU", "血糖"), Unmapped("segment", "ZPI"))

        async def translate(work: Work) -> Work:
            return Work(work.entry, translation=Translation(unmapped=parts))

        messages = [await world.receive(str(n), lane=n) for n in range(2)]
        async with world.working(world.worker("one", translate)):
            await world.until("committed", 2)
            await DeadLetters(world.journal).replay([messages[0].id], by="me")
            async with asyncio.timeout(5):
                while len(await world.made()) < 3 or await world.unmapped.roll_up():
                    await asyncio.sleep(0.02)
                while not await world.unmapped.find():
                    await asyncio.sleep(0.02)

        listed = await world.unmapped.find(site="site-a-b", kind="code")
        assert [(row["code"], row["display"], row["count"]) for row in listed] == [("GLU", "血糖", 2)]
