"""
What a deployment holds every write to beyond valid FHIR; the composition root says what, for the exchange knows none.

https://hl7.org/fhir/R4/profiling.html#enforcing
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from records.stored import Write

Held = Callable[[Sequence[Write]], Awaitable[None]]


async def nothing_more(_writes: Sequence[Write]) -> None:
    """Valid is enough."""
