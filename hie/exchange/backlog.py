"""
Back-pressure of the whole exchange: when too much waits to be processed, senders are slowed down, then told to wait.

HL7 v2 table 0357, 207: nothing is wrong with the message, it is to be sent again. No message is lost by it: what is
answered so was never taken.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hie.errors import Unavailable
from hie.exchange.journal_reading import JournalReading

# From this part of the bound on, senders are slowed down.
SLOW_FROM = 0.5
SLOWEST_SECONDS = 1.0
COUNTED_EVERY = 1.0


class Overloaded(Unavailable):
    """So much waits that no more is taken."""


def pause(waiting: int, most: int) -> float:
    """Seconds that each message waits: none up to half of the bound, then more and more. Raises Overloaded at it."""
    if waiting >= most:
        raise Overloaded("Too many messages wait to be processed; send again later.")
    share = waiting / most
    return 0.0 if share <= SLOW_FROM else SLOWEST_SECONDS * (share - SLOW_FROM) / (1 - SLOW_FROM)


@dataclass(slots=True)
class Backlog:
    """How much waits, counted once a second; `most` 0: no bound."""

    journal: JournalReading
    most: int
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _waiting: int = 0
    _counted_at: float = float("-inf")
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def admit(self) -> None:
        """Let a message in, sooner or later. Raises Overloaded."""
        if not self.most:
            return
        seconds = pause(await self._count(), self.most)
        if seconds:
            await self.sleep(seconds)

    async def _count(self) -> int:
        if self.clock() - self._counted_at > COUNTED_EVERY and not self._lock.locked():
            async with self._lock:
                self._waiting = await self.journal.pending(limit=self.most)
                self._counted_at = self.clock()
        return self._waiting
