"""
The organization that a caller belongs to: its entry in the directory, kept for a minute.

https://profiles.ihe.net/ITI/mCSD/
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from records.search.values import escaped
from records.stored import EVERYTHING, Page, Visibility

KEEP_SECONDS = 60.0


class Searches(Protocol):
    """`records.resource_store.ResourceStore`, as far as access needs it."""

    async def search(
        self, resource_type: str, params: Sequence[tuple[str, str]], /, *, visibility: Visibility
    ) -> Page: ...


@dataclass(frozen=True, slots=True)
class Membership:
    """`references` name the organization ("Organization/id"); `active` is None where the directory has no entry."""

    references: frozenset[str] = frozenset()
    active: bool | None = None


class Organizations:
    """Looks organizations up by their identifier."""

    def __init__(self, store: Searches, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, Membership]] = {}

    async def find(self, identifier: str) -> Membership:
        """The entry of an identifier "system|value"."""
        if not identifier:
            return Membership()
        until, found = self._known.get(identifier, (float("-inf"), Membership()))
        if self._monotonic() < until:
            return found
        found = await self._look_up(identifier)
        self._known[identifier] = (self._monotonic() + KEEP_SECONDS, found)
        return found

    async def _look_up(self, identifier: str) -> Membership:
        page = await self._store.search("Organization", (("identifier", _escaped(identifier)),), visibility=EVERYTHING)
        if not page.matches:
            return Membership()
        active = any(row.resource().get("active", True) for row in page.matches)
        return Membership(frozenset(row.reference for row in page.matches), active)


def _escaped(identifier: str) -> str:
    system, bar, value = identifier.partition("|")
    return system + bar + escaped(value)
