"""
Holding back: a site whose messages wait in the journal, a feed whose messages wait in its queue, until let go again.

A site that is held back is still answered: what it sends is kept, in order, and goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from hie.applications.administration.services import Services


@runtime_checkable
class SiteHolds(Protocol):
    """Who holds back the messages of a site; the exchange has it as `services.holds`."""

    async def held(self) -> Mapping[str, object]:
        """By site id: who holds it, since when, why."""

    async def pause(self, site: str, *, by: str, reason: str) -> bool: ...

    async def resume(self, site: str, *, by: str) -> bool: ...


def holder(services: Services) -> SiteHolds | None:
    """None where this exchange cannot hold a site back."""
    found = getattr(services, "holds", None)
    return found if isinstance(found, SiteHolds) else None


async def holds_of(services: Services) -> Mapping[str, object]:
    """The sites that are held back."""
    found = holder(services)
    return await found.held() if found else {}
