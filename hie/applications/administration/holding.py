"""
Holding back: a site whose messages wait in the journal until somebody lets them go again (hie.exchange.pausing).

A site that is held back is still answered: what it sends is kept, in order, and goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping

from hie.applications.administration.services import Services
from hie.exchange.pausing import Paused


async def holds_of(services: Services) -> Mapping[str, Paused]:
    """The sites that are held back."""
    return {one.site: one for one in await services.holds.listed()}
