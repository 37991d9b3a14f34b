"""
A backlog of 40,000 messages is worked off by two workers, and the order of each patient's messages is checked.

The messages tell of 2,000 patients in turn, each message with the next street number; afterwards no lane may have
finished a later message before an earlier one, and the histories of patients that are drawn must show every street
number once and in order. The floor is a transaction each that writes the same documents.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
from contextlib import AsyncExitStack
from typing import Any

from adapters.mllp.client import MllpClient
from tests.benchmarks.measure import Floor, Result
from tests.benchmarks.pipeline import AT_ONCE, documents, drain, floor, newest
from tests.benchmarks.stage import Stage
from tests.e2e.e2e_messages import header, id_number, message, stamp, visit

GROUP = "Backlog"
MESSAGES, TURNS, DRAWN = 40_000, 20, 100
CONNECTIONS, WINDOW, WORKERS = 16, 16, 2
SERIES = 90
_STREET = re.compile(r"(\d+)号院")


async def run(stage: Stage) -> list[Result]:
    """One patient's messages come in order; nothing else is promised, and nothing less."""
    count = stage.count(MESSAGES)
    before = await newest(stage)
    await _fill(stage, max(count // TURNS, 1))
    timing = await drain(stage, before, WORKERS, patience=3_600)
    await _check_lanes(stage, before)
    await _check_histories(stage, max(count // TURNS, 1))
    bare = Floor(f"a transaction each, {AT_ONCE} at once", await floor(stage, await documents(stage, before)))
    return [Result(GROUP, f"{timing.operations + 1:,} messages, order checked", timing, (bare,), "message")]


def update(patient: int, turn: int) -> bytes:
    """ADT^A08 number `turn` of a patient: the street number tells which."""
    local = f"{SERIES}{patient:06d}"
    who = id_number(SERIES * 100_000 + patient)
    pid = f"PID|1||{local}^^^E2E^PI~{who}^^^CN^NI||王^小{turn}||{who[6:14]}|F|||{turn}号院"
    control = f"B{local}T{turn}"
    return message(header("ADT^A08^ADT_A01", control), f"EVN|A08|{stamp(23 - turn / 60)}", pid, visit(local))


async def _fill(stage: Stage, patients: int) -> None:
    """All turns of all patients, round by round; a patient stays on one connection, as in life."""

    async def one(client: MllpClient, mine: range) -> None:
        told = (update(patient, turn) for turn, patient in itertools.product(range(TURNS), mine))
        async for answer in client.send_all(told, window=WINDOW):
            assert b"MSA|AA" in answer, answer

    async with AsyncExitStack() as stack:
        port = stage.settings.mllp_port
        clients = [await stack.enter_async_context(MllpClient("127.0.0.1", port)) for _ in range(CONNECTIONS)]
        shares = [range(at, patients, CONNECTIONS) for at in range(CONNECTIONS)]
        await asyncio.gather(*(one(client, mine) for client, mine in zip(clients, shares, strict=True)))


async def _check_lanes(stage: Stage, before: str) -> None:
    """In each lane the messages were finished in the order in which they came."""
    journal, last = stage.database("exchange")["journal"], {}
    async for one in journal.find({"_id": {"$gt": before}}, {"lane": 1, "done": 1}).sort("_id", 1):
        assert one["done"] >= last.get(one["lane"], one["done"]), f"lane {one['lane']} went back"
        last[one["lane"]] = one["done"]


async def _check_histories(stage: Stage, patients: int) -> None:
    """What became of patients that are drawn: every street number once, each after the one before."""
    (http,) = stage.https(1)
    for patient in random.Random(7).sample(range(patients), min(DRAWN, patients)):
        found: Any = (await http("GET", f"/fhir/Patient?identifier={SERIES}{patient:06d}&_elements=id")).json()
        (entry,) = found["entry"]
        told: Any = (await http("GET", f"/fhir/Patient/{entry['resource']['id']}/_history?_count=100")).json()
        # The newest comes first.
        versions = [str(one["resource"].get("address")) for one in reversed(told["entry"])]
        streets = [int(seen[1]) for version in versions if (seen := _STREET.search(version))]
        assert list(dict.fromkeys(streets)) == list(range(TURNS)), f"out of order: {streets}"
        assert streets == sorted(streets), f"out of order: {streets}"
    http.close()
