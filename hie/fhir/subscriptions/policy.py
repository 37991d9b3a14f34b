"""
How patient the engine is with receivers; times in seconds.

https://hl7.org/fhir/R4/subscription.html#errors
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """
    Pauses double from `first` to `longest`, for ever. After `alarm` failures in a row the Subscription says so; after
    `refusals` of one payload it is set aside. A lease lasts `margin` longer than a request may take. `settling` is
    longer than any process trusts what it knew of who listens (`interest`), with room for a write that commits.
    """

    first: float = 1.0
    longest: float = 300.0
    alarm: int = 3
    refusals: int = 5
    margin: float = 15.0
    idle: float = 0.25
    settling: float = 2.5
    at_once: int = 1_000

    def pause(self, failures: int, asked: float = 0.0) -> float:
        """Seconds to wait after so many failures, with jitter; what a receiver asks for, within the longest."""
        grown = min(self.first * 2.0 ** min(failures - 1, 30), self.longest)
        return max(grown * random.uniform(0.75, 1.0), min(asked, self.longest))


PATIENCE = Patience()
