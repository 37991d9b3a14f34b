"""
History: every version of an instance, a type or the whole system, newest first.

The current versions are in their types' collections, the older ones in `history`; both are read in order and merged.
https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from records.collections import Collections
from records.documents import Document, instant, to_stored, visible
from records.errors import NotFound, UnknownParameter
from records.search import date
from records.search.key import Condition, both
from records.stored import Page, Stored, Visibility

DEFAULT_COUNT, MOST = 50, 500
Rows = list[tuple[str, Document]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Parameters of a history: `since` inclusive, `at` a span, and the place where the page before ended."""

    count: int = DEFAULT_COUNT
    condition: Condition | None = None
    after: tuple[datetime, str, int] | None = None


def read(params: Sequence[tuple[str, str]]) -> Asked:
    """`_since`, `_at`, `_count`, `_cursor`; UnknownParameter for others."""
    count, conditions, after = DEFAULT_COUNT, list[Condition](), None
    for name, value in params:
        match name:
            case "_count" if value.isdigit():
                count = min(int(value), MOST)
            case "_since":
                conditions.append({"t": {"$gte": _moments(value)[0]}})
            case "_at":
                start, end = _moments(value)
                conditions.append({"t": {"$gte": start, "$lte": end}})
            case "_cursor":
                after = _place(value)
            case _:
                raise UnknownParameter(f"A history takes _since, _at and _count, not {name[:64]!r}.")
    return Asked(count, both(conditions) or None, after)


def _moments(value: str) -> tuple[datetime, datetime]:
    wanted = date.span(value)
    if wanted is None:
        raise UnknownParameter("_since and _at are instants, YYYY-MM-DDThh:mm:ss with a zone.")
    start, end = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in wanted)
    return start, end


def _place(value: str) -> tuple[datetime, str, int]:
    try:
        at, name, version = value.split("~")
        return datetime.fromisoformat(at), name, int(version)
    except ValueError as error:
        raise UnknownParameter("This page link is not one of this server; begin again.") from error


@dataclass(frozen=True, slots=True)
class Past:
    """Reads versions for one caller."""

    collections: Collections
    visibility: Visibility

    async def version(self, resource_type: str, resource_id: str, version: int) -> Stored:
        """One version; NotFound where it does not exist, or the resource is not visible now or was not then."""
        sight = visible(resource_type, self.visibility)
        current = None
        if sight is not None:
            current = await self.collections.of(resource_type).find_one(both([{"_id": resource_id}, sight]))
        if sight is None or current is None:
            raise NotFound("There is no such resource.")
        if current["v"] == version:
            return to_stored(resource_type, current)
        asked = {"r": resource_type, "i": resource_id, "v": version}
        found = await self.collections.history_of(resource_type).find_one(both([asked, sight]))
        if found is None:
            raise NotFound("There is no such version.")
        return to_stored(resource_type, found)

    async def page(
        self, resource_type: str | None, resource_id: str | None, params: Sequence[tuple[str, str]]
    ) -> Page:
        """One page of a history, newest first."""
        asked = read(params)
        kinds = [resource_type] if resource_type else await self.collections.existing()
        sources = await asyncio.gather(*(self._newest(kind, resource_id, asked) for kind in kinds))
        if resource_id and not any(sources) and asked.after is None and asked.condition is None:
            raise NotFound("There is no such resource.")
        rows = list(heapq.merge(*sources, key=_newest_first))[: asked.count + 1]
        shown = rows[: asked.count]
        return Page(
            tuple(to_stored(kind, row) for kind, row in shown),
            total=len(shown) if len(rows) == len(shown) and asked.after is None else None,
            next_cursor=_cursor(*shown[-1]) if len(rows) > len(shown) and shown else None,
        )

    async def _newest(self, kind: str, resource_id: str | None, asked: Asked) -> Rows:
        """The first rows of one type: current and past ones, in order."""
        sight = visible(kind, self.visibility)
        if sight is None:
            return []
        conditions = [sight, asked.condition or {}]
        if asked.after is not None:
            # Rows of one moment are told apart below: names are not in one order over two collections.
            conditions.append({"t": {"$lte": asked.after[0]}})
        now = {"_id": resource_id} if resource_id else {}
        then = {"r": kind} | ({"i": resource_id} if resource_id else {})
        extra = asked.count + 1 + (MOST if asked.after else 0)
        current = await self.collections.of(kind).find(both([now, *conditions])).sort("t", -1).limit(extra).to_list()
        past = (
            await self.collections.history_of(kind).find(both([then, *conditions])).sort("t", -1).limit(extra).to_list()
        )
        visible_now = await self._still_visible(kind, past, sight)
        rows = [(kind, row) for row in (*current, *(row for row in past if row["i"] in visible_now))]
        rows.sort(key=_newest_first)
        return [row for row in rows if asked.after is None or _newest_first(row) > _after(asked.after)]

    async def _still_visible(self, kind: str, past: Sequence[Document], sight: Condition) -> set[str]:
        """A label set later hides the versions before it as well."""
        ids = {row["i"] for row in past}
        found = self.collections.of(kind).find(both([{"_id": {"$in": sorted(ids)}}, sight]), {"_id": 1})
        return {row["_id"] async for row in found}


def _name(kind: str, row: Mapping[str, Any]) -> str:
    return f"{kind}/{row.get('i') or row['_id']}"


def _newest_first(found: tuple[str, Document]) -> tuple[float, str, int]:
    kind, row = found
    return -row["t"].timestamp(), _name(kind, row), -row["v"]


def _after(place: tuple[datetime, str, int]) -> tuple[float, str, int]:
    return -place[0].timestamp(), place[1], -place[2]


def _cursor(kind: str, row: Document) -> str:
    return f"{instant(row['t'])}~{_name(kind, row)}~{row['v']}"
