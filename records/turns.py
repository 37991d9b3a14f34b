"""
Turns within one process: whoever wants a name that another holds waits, instead of losing to it in the database.

Between processes the database decides; a crowd in one process would only make it decide again and again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager


class Turns:
    """Locks by name, each there as long as somebody wants it."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._wanted: Counter[str] = Counter()

    @asynccontextmanager
    async def take(self, names: Iterable[str]) -> AsyncIterator[None]:
        """Hold these names; taken in one order, so that two who want the same ones never wait for each other."""
        wanted = sorted(set(names))
        self._wanted.update(wanted)
        try:
            async with AsyncExitStack() as held:
                for name in wanted:
                    await held.enter_async_context(self._locks.setdefault(name, asyncio.Lock()))
                yield
        finally:
            self._leave(wanted)

    def _leave(self, names: Iterable[str]) -> None:
        for name in names:
            self._wanted[name] -= 1
            if not self._wanted[name]:
                del self._wanted[name], self._locks[name]
