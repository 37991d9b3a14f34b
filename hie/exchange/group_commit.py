"""
Group commit: what arrives while a write is under way goes together into the next one.

So a disk flush is paid once for many senders, and each sender waits for at most two of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Alone(Exception):
    """This item has to go by itself."""


async def together(
    items: Sequence[T], work: Callable[[], Awaitable[Sequence[R | Exception]]]
) -> Sequence[R | Exception]:
    """Try `work` once for a whole group; where it fails every item goes Alone: whose fault it was shows then."""
    try:
        return await work()
    except Exception as error:
        alone = Alone()
        alone.__cause__ = error
        return [alone] * len(items)


class GroupCommit(Generic[T, R]):
    """
    Collects items and hands them to `write` in groups, in order, one group at a time.

    `write(items)` returns one outcome an item; its exception becomes the exception of every item of the group.
    `largest` is the most items, `weight` with `heaviest` the most bytes of a group. `at_once` groups may be under way
    where order does not matter between them.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]],
        *,
        largest: int = 256,
        weight: Callable[[T], int] = lambda _item: 1,
        heaviest: int = 24_000_000,
        at_once: int = 1,
    ) -> None:
        self._write = write
        self._largest, self._weight, self._heaviest, self._at_once = largest, weight, heaviest, at_once
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._running: list[asyncio.Task[None]] = []

    async def add(self, item: T) -> R:
        """Write one item with its neighbours; returns when it is durable."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._running = [one for one in self._running if not one.done()]
        if len(self._running) < self._at_once:
            self._running.append(asyncio.create_task(self._run()))
        return await future

    async def _run(self) -> None:
        while self._waiting:
            group = self._take()
            try:
                outcomes = await self._write([item for item, _ in group])
            except Exception as error:  # it belongs to those who wait
                outcomes = [error] * len(group)
            for (_, future), outcome in zip(group, outcomes, strict=True):
                _settle(future, outcome)

    def _take(self) -> list[tuple[T, asyncio.Future[R]]]:
        size = total = 0
        for item, _ in self._waiting[: self._largest]:
            total += self._weight(item)
            if size and total > self._heaviest:
                break
            size += 1
        group, self._waiting = self._waiting[:size], self._waiting[size:]
        return group


def _settle(future: asyncio.Future[R], outcome: R | Exception) -> None:
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
