"""How long an operation takes: many of them, one after the other or several at once, each one's time kept."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Operation = Callable[[int, int], Awaitable[object]]
"""Takes the number of the task that runs it (each has a connection of its own) and the number of the operation."""


@dataclass(frozen=True, slots=True)
class Timing:
    """`operations` in `seconds`; `each` has the time of every one in milliseconds, sorted."""

    operations: int
    seconds: float
    each: tuple[float, ...] = ()

    @property
    def per_second(self) -> float:
        return self.operations / self.seconds

    def percentile(self, share: float) -> float | None:
        """The time that this share of the operations stayed within (nearest rank)."""
        return self.each[max(math.ceil(share * len(self.each)) - 1, 0)] if self.each else None


@dataclass(frozen=True, slots=True)
class Floor:
    """The least that the work could cost: what is measured, and how fast that was."""

    name: str
    timing: Timing


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table; `unit` is what one operation is."""

    group: str
    workload: str
    timing: Timing
    floors: tuple[Floor, ...]
    unit: str = "operation"

    def ratio(self, floor: Floor) -> float:
        """Our speed as a share of the floor's; 1 is as fast as the floor."""
        return self.timing.per_second / floor.timing.per_second


async def measure(operation: Operation, count: int, at_once: int = 1, warm: int = 0) -> Timing:
    """Time `count` operations by `at_once` tasks, after `warm` that do not count; operations are numbered from 0."""
    await _run(operation, range(warm), at_once)
    return await _run(operation, range(warm, warm + count), at_once)


async def _run(operation: Operation, numbers: range, at_once: int) -> Timing:
    each: list[float] = []
    waiting = iter(numbers)

    async def task(task_number: int) -> None:
        for number in waiting:
            begun = time.perf_counter()
            await operation(task_number, number)
            each.append((time.perf_counter() - begun) * 1000)

    begun = time.perf_counter()
    await asyncio.gather(*(task(number) for number in range(at_once)))
    return Timing(len(numbers), time.perf_counter() - begun, tuple(sorted(each)))


def measure_plain(operation: Callable[[int], object], count: int, warm: int = 20) -> Timing:
    """The same for a function that computes."""
    for number in range(warm):
        operation(number)
    each = []
    begun = time.perf_counter()
    for number in range(warm, warm + count):
        one = time.perf_counter()
        operation(number)
        each.append((time.perf_counter() - one) * 1000)
    return Timing(count, time.perf_counter() - begun, tuple(sorted(each)))
