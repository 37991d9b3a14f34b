"""
Holding back: a site whose messages wait in the journal until somebody lets them go again.

A site that is held back is still answered: what it sends is kept, in order, and goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from hie.applications.administration.services import Services


class Hold(Protocol):
    """Who holds a site back, since when and why, and how many of its messages wait."""

    @property
    def site(self) -> str: ...
    @property
    def by(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def reason(self) -> str: ...
    @property
    def waiting(self) -> int: ...


@runtime_checkable
class SiteHolds(Protocol):
    """`hie.exchange.pausing.Pausing`, as far as the pages ask it; the exchange has it as `services.holds`."""

    async def listed(self) -> Sequence[Hold]: ...

    async def pause(self, site: str, *, by: str, reason: str = "") -> bool: ...

    async def resume(self, site: str, *, by: str) -> bool: ...


def holder(services: Services) -> SiteHolds | None:
    """None where this exchange cannot hold a site back."""
    found = getattr(services, "holds", None)
    return found if isinstance(found, SiteHolds) else None


async def holds_of(services: Services) -> Mapping[str, Hold]:
    """The sites that are held back."""
    found = holder(services)
    return {one.site: one for one in await found.listed()} if found else {}
