"""Durable intake: a message over the real MLLP socket until its acknowledgement, beside bare inserts of its bytes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

from adapters.mllp.client import MllpClient
from tests.benchmarks.measure import Floor, Result, Timing, measure
from tests.benchmarks.messages import KINDS
from tests.benchmarks.stage import Stage

GROUP = "Intake over MLLP until AA"
ROUNDS = ((1, 300), (32, 2_000))  # connections, messages
WARM = 50
Make = Callable[[int, int], bytes]


async def run(stage: Stage) -> list[Result]:
    """One connection, as one hospital has it; many, as a region has."""
    results = []
    for kind, (name, make) in enumerate(KINDS.items()):
        for place, (connections, usual) in enumerate(ROUNDS):
            count = stage.count(usual)
            series = 10 + 2 * kind + place
            timing = await send(stage, make, series, count, connections, warm=WARM)
            floors = (
                Floor(f"insert_one, {connections} at once", await _insert_one(stage, make, count, connections)),
                Floor("insert_many of 32", await _insert_many(stage, make, count)),
            )
            # With one connection nothing can be grouped.
            results.append(
                Result(GROUP, f"{name}, {connections} connections", timing, floors[: 1 + (connections > 1)], "message")
            )
    return results


async def send(stage: Stage, make: Make, series: int, count: int, connections: int, warm: int = 0) -> Timing:
    """Send and wait for each AA; every connection has one message on its way."""
    async with AsyncExitStack() as stack:
        port = stage.settings.mllp_port
        clients = [await stack.enter_async_context(MllpClient("127.0.0.1", port)) for _ in range(connections)]

        async def one(task: int, number: int) -> None:
            answer = await clients[task].send(make(series, number))
            assert b"MSA|AA" in answer, answer

        return await measure(one, count, connections, warm)


async def _insert_one(stage: Stage, make: Make, count: int, at_once: int) -> Timing:
    floor = stage.floor("intake")

    async def one(_: int, number: int) -> None:
        await floor.insert_one({"_id": number, "raw": make(0, number)})

    return await measure(one, count, at_once, WARM)


async def _insert_many(stage: Stage, make: Make, count: int, size: int = 32) -> Timing:
    floor = stage.floor("intake")

    async def one(_: int, number: int) -> None:
        numbers = range(number * size, (number + 1) * size)
        await floor.insert_many([{"_id": one, "raw": make(0, one)} for one in numbers], ordered=False)

    groups = max(count // size, 1)
    timing = await measure(one, groups, 1, 2)
    return Timing(groups * size, timing.seconds)
