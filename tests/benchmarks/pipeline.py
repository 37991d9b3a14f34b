"""
From message to committed resources: journal, worker, one transaction, beside bare transactions of the same documents.

The speed is that of one worker, and of two, with a backlog, taken from the journal; the times are of single messages
in an idle exchange, from the socket until it is committed and a FHIR search finds its patient and visit.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from adapters.mllp.client import MllpClient
from hie.supervisor.processes import Child
from tests.benchmarks.http import Http
from tests.benchmarks.intake import Make, send
from tests.benchmarks.measure import Floor, Result, Timing, measure
from tests.benchmarks.messages import KINDS
from tests.benchmarks.stage import Stage, until

GROUP = "Message to committed resources"
BACKLOG, SINGLE, AT_ONCE = 400, 60, 8
PARTS = ("health_records", "emr", "exchange")
_SOURCE = re.compile(rb'"source":"urn:hie:message:([0-9A-Z]{26})')
Group = list[tuple[str, dict[str, Any]]]


async def run(stage: Stage) -> list[Result]:
    """A small message and a large one."""
    results = []
    for kind, (name, make) in enumerate(KINDS.items()):
        series = 20 + 3 * kind
        before = await newest(stage)
        await send(stage, make, series, stage.count(BACKLOG), 16)
        timing = await drain(stage, before, 1)
        bare = Floor(f"a transaction each, {AT_ONCE} at once", await floor(stage, await documents(stage, before)))
        results.append(Result(GROUP, f"{name}, one worker", timing, (bare,), "message"))
        before = await newest(stage)
        await send(stage, make, series + 1, stage.count(2 * BACKLOG), 16)
        results.append(Result(GROUP, f"{name}, two workers", await drain(stage, before, 2), (bare,), "message"))
        results.append(Result(GROUP, f"{name}, alone", await _one_by_one(stage, make, series + 2), (bare,), "message"))
    return results


async def newest(stage: Stage) -> str:
    """The id of the last message."""
    found = await stage.database("exchange")["journal"].find_one({}, {"_id": 1}, sort=[("_id", -1)])
    return found["_id"] if found else ""


async def drain(stage: Stage, before: str, workers: int, *, patience: float = 600) -> Timing:
    """So many workers file everything that came after `before`; every message has to get through."""
    journal = stage.database("exchange")["journal"]
    ours = {"_id": {"$gt": before}}

    async def drained() -> bool:
        return not await journal.count_documents({"state": "pending"}, limit=1)

    async with _at_work(stage, workers) as started:
        await until(drained, "the workers", started[0], patience)
    left = await journal.count_documents({**ours, "state": {"$ne": "committed"}})
    assert left == 0, f"{left} messages did not get through"
    done = sorted([one["done"] async for one in journal.find(ours, {"done": 1})])
    # The first one only starts the clock.
    return Timing(len(done) - 1, (done[-1] - done[0]).total_seconds())


@asynccontextmanager
async def _at_work(stage: Stage, workers: int) -> AsyncIterator[list[Child]]:
    started = [stage.start(f"worker-{number}", "hie.cli", "work") for number in range(workers)]
    try:
        yield started
    finally:
        for one in started:
            stage.stop(one)


async def _one_by_one(stage: Stage, make: Make, series: int) -> Timing:
    journal = stage.database("exchange")["journal"]
    (http,) = stage.https(1)
    async with _at_work(stage, 1), MllpClient("127.0.0.1", stage.settings.mllp_port) as client:

        async def one(_: int, number: int) -> None:
            await client.send(make(series, number))
            while await journal.find_one({"state": "pending"}, {"_id": 1}):
                await asyncio.sleep(0.001)
            # What is committed is searchable as soon as the majority has it.
            while not await _found(http, f"{series:02d}{number:06d}"):
                await asyncio.sleep(0.001)

        timing = await measure(one, stage.count(SINGLE), 1, 5)
    http.close()
    return timing


async def _found(http: Http, local: str) -> bool:
    answer: Any = (await http("GET", f"/fhir/Encounter?identifier=VIS{local}&_include=Encounter:subject")).json()
    return {entry["resource"]["resourceType"] for entry in answer.get("entry", ())} >= {"Encounter", "Patient"}


async def documents(stage: Stage, before: str) -> list[Group]:
    """What was stored, by the message that it came from."""
    found: dict[bytes, Group] = defaultdict(list)
    for part in PARTS:
        database = stage.database(part)
        for name in await database.list_collection_names():
            if not name[:1].isupper():
                continue
            async for document in database[name].find({}):
                source = _SOURCE.search(bytes(document["text"]))
                if source and source[1].decode() > before:
                    found[source[1]].append((name, document))
    return list(found.values())


async def floor(stage: Stage, groups: list[Group]) -> Timing:
    """A bare transaction for each message, which inserts what became of it."""
    kinds = {name for group in groups for name, _ in group}
    targets = {name: stage.floor(name) for name in kinds}
    for target in targets.values():
        await target.database.create_collection(target.name)

    async def one(_: int, number: int) -> None:
        async with stage.client.start_session() as session, await session.start_transaction():
            for name, document in groups[number]:
                await targets[name].insert_one(document, session=session)

    return await measure(one, len(groups), AT_ONCE)
