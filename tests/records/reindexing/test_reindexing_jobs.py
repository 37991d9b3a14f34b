"""The job: goes on where it was, is done by one process at a time, and is complete only when nothing is left."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from reindexing_world import Region, eyes, parameter

from records.errors import Conflict, UnknownParameter
from records.reindexing import Job, jobs, passing
from records.search.custom import InForce

pytestmark = pytest.mark.anyio
PROCESS = Path(__file__).with_name("reindexing_process.py")


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
    """Wait for something that is coming."""
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.05)


async def texts(region: Region) -> dict[str, tuple[int, bytes]]:
    return {row["_id"]: (row["v"], row["text"]) async for row in region.rows().find()}


class TestLarge:
    async def test_five_thousand_and_a_kill(self, region: Region, mongo_uri: str) -> None:
        """A process is killed in the middle; another goes on behind its last batch and all 5,000 are found."""
        for start in range(0, 5_000, 500):
            await region.put(*(eyes(f"p{number:05}") for number in range(start, start + 500)))
        before = await texts(region)
        await region.put(parameter())
        killed = subprocess.Popen([sys.executable, str(PROCESS), mongo_uri, region.prefix, "2000", "1500"])
        try:
            await until(lambda: self._visited(region, 1_000))
        finally:
            killed.kill()
            killed.wait()
        left = await region.job()
        visited: list[Job] = []
        await until(lambda: region.reindexer().turn(asyncio.Event(), visited.append))
        ended = await region.job()

        assert left.state == "running"
        assert 1_000 <= left.done < 5_000
        assert visited[0].done >= left.done
        assert visited[0].epoch > left.epoch
        assert (ended.state, ended.total, ended.done, ended.percent) == ("completed", 5_000, 5_000, 100)
        assert (ended.existing, ended.current, ended.errors) == (5_000, 5_000, 0)
        page = await region.store.search("Patient", [("eye-colour", "brown"), ("_summary", "count")])
        assert page.total == 5_000
        assert await texts(region) == before

    async def _visited(self, region: Region, count: int) -> bool:
        return (await region.job()).done >= count


class TestTogether:
    async def test_two_workers(self, region: Region) -> None:
        """Of two that run at once one works; what it leaves the other takes; every resource is visited once."""
        await region.put(*(eyes(f"p{number}") for number in range(300)))
        await region.put(parameter())
        stop = asyncio.Event()
        workers = [asyncio.create_task(region.reindexer(region.process(), rate=1_000).run(stop)) for _ in range(2)]
        owners: set[str | None] = set()

        async def ended() -> bool:
            job = await region.job()
            owners.add(job.owner)
            return job.state == "completed"

        await until(ended)
        stop.set()
        await asyncio.gather(*workers)
        job = await region.job()

        assert len(owners - {None}) == 1
        assert (job.done, job.changed, job.epoch) == (300, 300, 1)

    async def test_writes_meanwhile(self, region: Region) -> None:
        """What other processes write while it runs is found, at the versions that they wrote."""
        await region.put(*(eyes(f"p{number:03}") for number in range(200)))
        await region.put(parameter())
        other = region.process()
        job = asyncio.create_task(region.work(rate=200))
        for number in range(0, 200, 4):
            await region.put(eyes(f"p{number:03}", "blue"), store=other)
            await region.put(eyes(f"q{number:03}", "green"), store=other)
        await job

        assert len(await region.found("eye-colour=brown")) == 150
        assert len(await region.found("eye-colour=blue")) == 50
        assert len(await region.found("eye-colour=green")) == 50
        assert {row["v"] async for row in region.rows().find({"_id": {"$in": ["p000", "p196"]}})} == {2}
        assert (await region.store.read("Patient", "p001")).version == 1

    async def test_lost_race(self, region: Region) -> None:
        """Keys computed from a version that is no longer the current one are not written."""
        await region.put(eyes("a"))
        row = await region.rows().find_one({"_id": "a"})
        await region.put(eyes("a", "blue"))
        change = passing._update(row, passing.keys(row, InForce(9)), 9)
        done = await region.rows().bulk_write([change])

        assert done.modified_count == 0


class TestProcesses:
    async def test_one_that_has_not_learned(self, region: Region) -> None:
        """A job begins when a process that still goes by older rules has learned; what that one wrote is found."""
        other = region.process()
        async with other.parameters.kept(every=3_600):
            await region.put(parameter())
            await region.put(eyes("late"), store=other)
            assert await region.rows().count_documents({"k": {"$regex": "^eye-colour"}}) == 0
            work = asyncio.create_task(region.work())
            await until(lambda: self._waits(region))
            with pytest.raises(UnknownParameter, match="not answered yet"):
                await region.found("eye-colour=brown")
            await other.parameters.refresh()
            await other.parameters.tell()
            await work

        assert await region.found("eye-colour=brown") == ["late"]

    async def test_transaction_under_way(self, region: Region) -> None:
        """A process that has learned is waited for as long as one of its transactions goes by older rules."""
        other = region.process()
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slow(session: Any) -> None:
            begun.set()
            await go_on.wait()
            await other.apply([], session=session)

        async with other.parameters.kept(every=0.1):
            transaction = asyncio.create_task(other.in_transaction(slow))
            await begun.wait()
            await region.put(parameter())
            work = asyncio.create_task(region.work())
            await until(lambda: self._waits(region))
            await asyncio.sleep(0.5)
            assert await self._waits(region)
            assert other.parameters.now.generation > other.parameters.confirmed
            go_on.set()
            await transaction
            await work

        assert (await region.job()).state == "completed"

    async def test_one_that_died(self, region: Region) -> None:
        """A process that gave no sign of life is waited for until its lease ends."""
        other = region.process()
        await other.parameters._say("died", 0)
        await region.put(parameter())
        work = asyncio.create_task(region.work())
        await until(lambda: self._waits(region))
        processes = other.parameters._processes
        await processes.update_one({"_id": "died"}, [{"$set": {"until": "$$NOW"}}])
        await work

        assert (await region.job()).state == "completed"

    async def test_learns_by_itself(self, region: Region) -> None:
        """A process that is kept learns within a second or two, and answers what is complete."""
        other = region.process()
        async with other.parameters.kept(every=0.2):
            await region.put(eyes("a"), parameter())
            await until(lambda: self._knows(other, "unanswered"))
            await region.work()
            await until(lambda: self._knows(other, "search_parameters"))
            assert await region.found("eye-colour=brown", other) == ["a"]

    async def _waits(self, region: Region) -> bool:
        job = await region.job()
        return job.phase == "confirming" and job.processes > 0

    async def _knows(self, store: Any, what: str) -> bool:
        return "eye-colour" in getattr(store.parameters.now, what)("Patient")


class TestSteered:
    async def test_paused_and_resumed(self, region: Region) -> None:
        """Paused in the middle it stops behind the batch; resumed it goes on there."""
        await region.put(*(eyes(f"p{number:03}") for number in range(200)))
        await region.put(parameter())
        job = await region.job()
        work = asyncio.create_task(region.work(rate=200))
        await until(lambda: self._done(region, 20))
        await region.store.parameters.steer(job.id, "paused")
        await work
        paused = await region.job()
        await region.store.parameters.steer(job.id, "waiting")
        await region.work()
        ended = await region.job()

        assert 20 <= paused.done < 200
        assert paused.state == "paused"
        assert (ended.state, ended.done, ended.current) == ("completed", 200, 200)
        assert len(await region.found("eye-colour=brown")) == 200

    async def test_cancelled(self, region: Region) -> None:
        """Cancelled it has ended; the parameter says so, and can be asked for again."""
        await region.put(eyes("a"), parameter())
        job = await region.job()
        await region.store.parameters.steer(job.id, "cancelled")
        await region.work()
        with pytest.raises(UnknownParameter, match="was stopped"):
            await region.found("eye-colour=brown")
        with pytest.raises(Conflict):
            await region.store.parameters.steer(job.id, "waiting")

        await region.store.parameters.ask((), parameter()["url"])
        await region.work()
        assert await region.found("eye-colour=brown") == ["a"]

    async def test_rate(self, region: Region) -> None:
        """It goes no faster than it may."""
        await region.put(*(eyes(f"p{number:03}") for number in range(100)))
        await region.put(parameter())
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await region.work(rate=100)

        assert loop.time() - begun >= 0.9
        assert (await region.job()).rate <= 130

    async def _done(self, region: Region, count: int) -> bool:
        return (await region.job()).done >= count


class TestTruth:
    async def test_what_cannot_be_indexed(self, region: Region) -> None:
        """A resource that cannot be read is named by its id; the job has failed, and the parameter is not answered."""
        await region.put(eyes("a"), eyes("b"), parameter())
        kept = await region.rows().find_one({"_id": "b"})
        await region.rows().update_one({"_id": "b"}, {"$set": {"text": b"{"}, "$unset": {"g": ""}})
        await region.work()
        job = await region.job()

        assert (job.state, job.errors, job.failed, job.current, job.existing) == ("failed", 1, ("Patient/b",), 1, 2)
        with pytest.raises(UnknownParameter, match="could not be made whole"):
            await region.found("eye-colour=brown")
        await region.rows().update_one({"_id": "b"}, {"$set": {"text": kept["text"]}})
        await region.store.parameters.ask((), parameter()["url"])
        await region.work()
        assert await region.found("eye-colour=brown") == ["a", "b"]

    async def test_left_behind(self, region: Region) -> None:
        """What appears behind the place of the pass is found by the count, and a second pass takes it."""
        await region.put(*(eyes(f"p{number:02}") for number in range(20)))
        await region.put(parameter())
        hidden = await region.rows().find_one({"_id": "p00"})
        await region.rows().delete_one({"_id": "p00"})

        class Returns:
            back = False

        def watch(job: Job) -> None:
            Returns.back = Returns.back or job.phase == "verifying"

        reindexer = region.reindexer(rate=50)
        turn = asyncio.create_task(reindexer.turn(asyncio.Event(), watch))
        await until(lambda: self._past_first(region))
        await region.rows().insert_one(hidden)
        await turn

        job = await region.job()
        assert (job.state, job.existing, job.current) == ("completed", 20, 20)
        assert await region.found("eye-colour=brown&_id=p00") == ["p00"]

    async def test_empty_types(self, region: Region) -> None:
        """Where nothing is stored of a type, nothing is to be done."""
        await region.put(parameter(base=["Resource"], expression="Resource.meta.tag.display"))
        await region.work()

        assert (await region.job()).state == "completed"
        assert await region.found("eye-colour=x", kind="Observation") == []

    async def test_lease(self, region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
        """A process whose lease was taken cannot write down any progress."""
        await region.put(eyes("a"), parameter())
        monkeypatch.setattr(jobs, "LEASE_MS", 1)
        mine = await region.store.parameters.jobs.claim("one")
        await asyncio.sleep(0.05)
        theirs = await region.store.parameters.jobs.claim("two")

        assert mine is not None and theirs is not None
        assert await region.store.parameters.jobs.advance(mine, {"cursor": "x"}) is None
        assert await region.store.parameters.jobs.advance(theirs, {"cursor": "y"}) is not None

    async def _past_first(self, region: Region) -> bool:
        return (await region.job()).cursor >= "p05"
