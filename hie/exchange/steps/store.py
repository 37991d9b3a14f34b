"""
Store: all resources of the message, their history and their index, together.

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hie.exchange.work import Work
from records.resource_store import ResourceStore


@dataclass(frozen=True, slots=True)
class Store:
    """One call to the stores, in the message's transaction."""

    store: ResourceStore

    async def __call__(self, work: Work) -> Work:
        if not work.writes:
            return work
        return replace(work, stored=tuple(await self.store.apply(work.writes, session=work.session)))
