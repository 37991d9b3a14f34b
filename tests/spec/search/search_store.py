"""A store as these tests ask it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from records.resource_store import ResourceStore
from records.stored import Page


@dataclass(frozen=True, slots=True)
class Store:
    """Queries are written as in an address, without encoding."""

    records: ResourceStore

    async def page(self, resource_type: str, query: str, **options: Any) -> Page:
        """One page."""
        pairs = [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)]
        return await self.records.search(resource_type, pairs, **options)

    async def found(self, resource_type: str, query: str) -> list[str]:
        """The ids of what is found, in alphabetical order."""
        return sorted(row.id for row in (await self.page(resource_type, query)).matches)
