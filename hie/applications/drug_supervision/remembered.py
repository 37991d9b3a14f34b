"""
Figures of a month that were just added up: kept for a moment, so that a page and its chart do not count twice.

A month that is over changes rarely (a late message, a merged record), the running one all the time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")
MOST = 256


@dataclass(slots=True)
class Remembered(Generic[T]):
    """Answers by key, each with the time until which it is used; the oldest go first."""

    found: OrderedDict[Hashable, tuple[datetime, T]] = field(default_factory=OrderedDict)

    async def get(self, key: Hashable, now: datetime, keep: timedelta, make: Callable[[], Awaitable[T]]) -> T:
        """The answer, made anew where there is none that still holds."""
        known = self.found.get(key)
        if known and known[0] > now:
            return known[1]
        made = await make()
        self.found[key] = (now + keep, made)
        self.found.move_to_end(key)
        while len(self.found) > MOST:
            self.found.popitem(last=False)
        return made
