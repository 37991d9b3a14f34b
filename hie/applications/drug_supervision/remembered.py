"""
Figures of a month that were just added up: kept for a moment, so that a page and its chart do not count twice.

A month that is over changes rarely (a late message, a merged record), the running one all the time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")
MOST = 256


@dataclass(slots=True)
class Remembered(Generic[T]):
    """Answers by key, each with the time until which it is used; the oldest go first."""

    found: OrderedDict[Hashable, tuple[datetime, T]] = field(default_factory=OrderedDict)

    def get(self, key: Hashable, now: datetime) -> T | None:
        """The answer, None where there is none that still holds."""
        known = self.found.get(key)
        return known[1] if known and known[0] > now else None

    def put(self, key: Hashable, until: datetime, answer: T) -> None:
        """Keep an answer for a while."""
        self.found[key] = (until, answer)
        self.found.move_to_end(key)
        while len(self.found) > MOST:
            self.found.popitem(last=False)
