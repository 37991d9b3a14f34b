"""
How patient a feed is with its receiver; times in seconds.
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """
    Pauses double from `first` to `longest`, for ever: nothing is given up because a receiver is away.

    A lease lasts `margin` longer than an answer may take. A new feed hears of what happens `settling` after it was
    loaded, when every process surely knows of it. A connection without work is closed after `silence`.
    """

    first: float = 1.0
    longest: float = 300.0
    margin: float = 15.0
    idle: float = 0.25
    settling: float = 3.0
    silence: float = 30.0

    def pause(self, failures: int) -> float:
        """Seconds to wait after so many failures, with jitter."""
        return min(self.first * 2.0 ** min(failures - 1, 30), self.longest) * random.uniform(0.75, 1.0)


PATIENCE = Patience()
