"""
Everything of a compartment, type by type, then what those resources point at outside it; each resource once.

The order never changes and a place in it is a type and an id, so that a walk goes on where it was left, in another
request as well. https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from records.collections import Collections
from records.definitions import definitions
from records.documents import WITHOUT_KEYS, to_stored, visible
from records.errors import UnknownParameter
from records.search.care_dates import between_days
from records.search.compartments import LEFT_OUT, Scope, compartment_of_patients
from records.search.key import EXACT, Condition, both
from records.stored import Stored, Visibility

Sights = Callable[[str], Awaitable[Visibility | None]]
"""What the caller may see of a type; None where that is nothing."""
BATCH = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What of it is wanted: care between two days (texts as `span` makes them, empty: open), changes since, types.
    """

    start: str = ""
    end: str = ""
    since: datetime | None = None
    types: frozenset[str] | None = None


WHOLE = Asked()


class Place(NamedTuple):
    """The last row of a page; it travels in the link to the next one."""

    outside: bool
    kind: str
    id: str

    def __str__(self) -> str:
        return f"{'o' if self.outside else 'i'}.{self.kind}.{self.id}"

    @classmethod
    def read(cls, text: str) -> Place:
        """The place in a link; UnknownParameter where it is none of ours."""
        side, kind, identity = (*text.split(".", 2), "", "")[:3]
        if side not in ("i", "o") or kind not in definitions().resource_types or not identity:
            raise UnknownParameter("This page link is not one of this server; begin again.")
        return cls(side == "o", kind, identity)


class Batch(NamedTuple):
    """Some rows of one type, in their order."""

    outside: bool
    rows: Sequence[Stored]


@dataclass(frozen=True, slots=True)
class Walk:
    """One way through a compartment for one caller."""

    collections: Collections
    scope: Scope
    sights: Sights
    asked: Asked = WHOLE
    base: str = ""

    async def batches(self, after: Place | None = None, size: int = BATCH) -> AsyncIterator[Batch]:
        """All of it behind a place, at most `size` rows at once."""
        if after is None or not after.outside:
            for kind in await self._kinds():
                if not self._wanted(kind) or (after and _order(self.scope, kind) < _order(self.scope, after.kind)):
                    continue
                condition = both([self._inside(kind), self._changed()])
                first = after.id if after and after.kind == kind else ""
                async for rows in self._found(kind, condition, first, size):
                    yield Batch(False, rows)
            after = None
        async for rows in self._outside(after, size):
            yield Batch(True, rows)

    async def page(self, after: Place | None, size: int) -> tuple[list[Batch], Place | None]:
        """At most `size` rows, and the place to go on from where there are more."""
        found, room = list[Batch](), size
        async for batch in self.batches(after, size + 1):
            if room == 0 or len(batch.rows) > room:
                found.append(Batch(batch.outside, batch.rows[:room]))
                return [one for one in found if one.rows], _last(found)
            found.append(batch)
            room -= len(batch.rows)
        return found, None

    def _wanted(self, kind: str) -> bool:
        return self.asked.types is None or kind in self.asked.types

    async def _kinds(self) -> list[str]:
        """The types of the compartment of which there is something, that of its owner first."""
        asked = self.asked.types or frozenset()
        existing = [one for one in await self.collections.existing() if one not in LEFT_OUT or one in asked]
        return sorted(self.scope.kinds.intersection(existing), key=lambda one: _order(self.scope, one))

    def _inside(self, kind: str) -> Condition:
        return both([self.scope.inside(kind), between_days(kind, self.asked.start, self.asked.end)])

    def _changed(self) -> Condition:
        return {"t": {"$gte": self.asked.since}} if self.asked.since else {}

    async def _found(self, kind: str, condition: Condition, first: str, size: int) -> AsyncIterator[list[Stored]]:
        """Batch by batch, each a query of its own: no cursor waits for a slow reader."""
        if (sight := await self._sight(kind)) is None:
            return
        shared = both([condition, sight, {"d": False}])
        while True:
            asked = both([shared, {"_id": {"$gt": first}}]) if first else shared
            found = self.collections.of(kind).find(asked, WITHOUT_KEYS).sort("_id", 1).limit(size)
            rows = [to_stored(kind, row) async for row in found]
            if rows:
                yield rows
            if len(rows) < size:
                return
            first = rows[-1].id

    async def _sight(self, kind: str) -> Condition | None:
        visibility = await self.sights(kind)
        return None if visibility is None else visible(kind, visibility)

    # What is pointed at

    async def _outside(self, after: Place | None, size: int) -> AsyncIterator[list[Stored]]:
        pointed_at = await self._pointed_at()
        for kind, ids in sorted(pointed_at.items()):
            if after and kind < after.kind:
                continue
            wanted = sorted(one for one in ids if not after or kind > after.kind or one > after.id)
            for start in range(0, len(wanted), BATCH):
                named: Condition = {"_id": {"$in": wanted[start : start + BATCH]}}
                condition = both([named, self.scope.outside(kind), self._changed()])
                async for rows in self._found(kind, condition, "", size):
                    yield rows

    async def _pointed_at(self) -> dict[str, set[str]]:
        """Ids by type of what the compartment's resources point at, told by their search keys."""
        found: dict[str, set[str]] = {}
        for kind in await self._kinds():
            sight = await self._sight(kind)
            for reference in [] if sight is None else await self._references(kind, sight):
                target, identity = reference.split("/")[-2:]
                if target in definitions().resource_types and self.scope.leads_to(target) and self._wanted(target):
                    found.setdefault(target, set()).add(identity)
        return found

    async def _references(self, kind: str, sight: Condition) -> list[str]:
        # The database tells each reference once, so that a long record does not send all of its keys.
        codes = {"location", *(re.escape(one.partition(":")[2]) for one in definitions().includes(kind))}
        own = f"(?:{re.escape(self.base)}/)?" if self.base else ""
        pattern = f"^(?:{'|'.join(sorted(codes))}){EXACT}{own}[A-Z][A-Za-z]+/[^/]+$"
        wanted = {"$regexMatch": {"input": "$$this", "regex": pattern}}
        pipeline: list[Condition] = [
            {"$match": both([self._inside(kind), sight, {"d": False}])},
            {"$project": {"r": {"$filter": {"input": "$k", "cond": wanted}}}},
            {"$unwind": "$r"},
            {"$group": {"_id": "$r"}},
        ]
        rows = await self.collections.of(kind).aggregate(pipeline, allowDiskUse=True)
        return [row["_id"].partition(EXACT)[2] async for row in rows]


def _order(scope: Scope, kind: str) -> tuple[bool, str]:
    return kind != scope.owner, kind


def _last(found: Sequence[Batch]) -> Place:
    batch = next(one for one in reversed(found) if one.rows)
    return Place(batch.outside, batch.rows[-1].type, batch.rows[-1].id)


async def walk(collections: Collections, patients: Sequence[str], visibility: Visibility) -> AsyncIterator[Stored]:
    """The whole record of some patients, one sight for all types."""

    async def sights(_kind: str) -> Visibility:
        return visibility

    async for batch in Walk(collections, compartment_of_patients(patients), sights).batches():
        for row in batch.rows:
            yield row
