"""
History: every version of an instance, a type or the whole system, newest first.

The current versions are in their types' collections, the older ones in `history`; both are read in order and merged.
https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession

from records.collections import Collections
from records.documents import Document, instant, to_stored, visible
from records.errors import NotFound, UnknownParameter
from records.search import date
from records.search.key import Condition, both
from records.stored import Page, Stored, Visibility, decode

DEFAULT_COUNT, MOST, PORTION = 50, 500, 200
Rows = list[tuple[str, Document]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the page before ended."""

    at: datetime
    type: str
    id: str
    version: int

    def behind(self, kind: str, identity: str) -> Condition:
        """What comes after it, of rows that are ordered by time, type, id and version; `identity` names the id."""
        if kind != self.type:
            return {"t": {"$lte" if kind > self.type else "$lt": self.at}}
        later = {"t": self.at, identity: {"$gt": self.id}}
        older = {"t": self.at, identity: self.id, "v": {"$lt": self.version}}
        return {"$or": [{"t": {"$lt": self.at}}, later, older]}


@dataclass(frozen=True, slots=True)
class Asked:
    """
    Parameters of a history: `since` inclusive, `at` a span in which a version was current, `lists` whose members are
    meant, and the place where the page before ended.
    """

    count: int = DEFAULT_COUNT
    since: datetime | None = None
    at: tuple[datetime, datetime] | None = None
    lists: tuple[str, ...] = ()
    after: Place | None = None

    @property
    def narrowed(self) -> bool:
        return bool(self.since or self.at or self.lists or self.after)

    def condition(self) -> Condition:
        """What is asked of the time of a version; whether an older one was still current is told by the next."""
        conditions: list[Condition] = []
        if self.since is not None:
            conditions.append({"t": {"$gte": self.since}})
        if self.at is not None:
            conditions.append({"t": {"$lte": self.at[1]}})
        return both(conditions)


def read(params: Sequence[tuple[str, str]]) -> Asked:
    """`_since`, `_at`, `_count`, `_list`, `_cursor`; UnknownParameter for others."""
    asked = Asked()
    for name, value in params:
        match name:
            case "_count" if value.isascii() and value.isdigit() and len(value) < 10:
                asked = replace(asked, count=min(int(value), MOST))
            case "_since":
                asked = replace(asked, since=_moments(value)[0])
            case "_at":
                asked = replace(asked, at=_moments(value))
            case "_list":
                names = tuple(one.removeprefix("List/") for one in value.split(","))
                asked = replace(asked, lists=(*asked.lists, *names))
            case "_cursor":
                asked = replace(asked, after=_place(value))
            case _:
                raise UnknownParameter(f"A history takes _since, _at, _list and a _count, not {name[:64]!r} so.")
    return asked


def _moments(value: str) -> tuple[datetime, datetime]:
    wanted = date.span(value)
    if wanted is None:
        raise UnknownParameter("_since and _at are instants, YYYY-MM-DDThh:mm:ss with a zone.")
    start, end = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in wanted)
    return start, end


def _place(value: str) -> Place:
    try:
        at, name, version = value.split("~")
        kind, identity = name.split("/")
        return Place(datetime.fromisoformat(at), kind, identity, int(version))
    except ValueError as error:
        raise UnknownParameter("This page link is not one of this server; begin again.") from error


@dataclass(frozen=True, slots=True)
class Past:
    """Reads versions for one caller."""

    collections: Collections
    visibility: Visibility
    session: AsyncClientSession | None = None

    async def version(self, resource_type: str, resource_id: str, version: int) -> Stored:
        """One version; NotFound where it does not exist, or the resource is not visible now or was not then."""
        sight = visible(resource_type, self.visibility)
        current = None
        if sight is not None:
            current = await self.collections.of(resource_type).find_one(
                both([{"_id": resource_id}, sight]), session=self.session
            )
        if sight is None or current is None:
            raise NotFound("There is no such resource.")
        if current["v"] == version:
            return to_stored(resource_type, current)
        asked = {"r": resource_type, "i": resource_id, "v": version}
        found = await self.collections.history_of(resource_type).find_one(both([asked, sight]), session=self.session)
        if found is None:
            raise NotFound("There is no such version.")
        return to_stored(resource_type, found)

    async def page(
        self, resource_type: str | None, resource_id: str | None, params: Sequence[tuple[str, str]]
    ) -> Page:
        """One page of a history, newest first."""
        asked = read(params)
        kinds = [resource_type] if resource_type else await self.collections.existing()
        members = await self._members(asked.lists)
        reads = [self._newest(kind, _ids(kind, resource_id, asked, members), asked) for kind in kinds]
        # A transaction does one thing after the other.
        sources = [await one for one in reads] if self.session else await asyncio.gather(*reads)
        if resource_id and not any(sources) and not asked.narrowed:
            raise NotFound("There is no such resource.")
        rows = list(heapq.merge(*sources, key=_newest_first))[: asked.count + 1]
        shown = rows[: asked.count]
        return Page(
            tuple(to_stored(kind, row) for kind, row in shown),
            total=len(shown) if len(rows) == len(shown) and asked.after is None else None,
            next_cursor=_cursor(*shown[-1]) if len(rows) > len(shown) and shown else None,
        )

    async def _newest(self, kind: str, ids: Sequence[str] | None, asked: Asked) -> Rows:
        """The first rows of one type: current and past ones, in order."""
        sight = visible(kind, self.visibility)
        if sight is None or ids == ():
            return []
        shared = [sight, asked.condition()]
        now = [{"_id": {"$in": list(ids)}} if ids else {}, *([asked.after.behind(kind, "_id")] if asked.after else ())]
        then = [
            {"r": kind} | ({"i": {"$in": list(ids)}} if ids else {}),
            *([asked.after.behind(kind, "i")] if asked.after else ()),
        ]
        current = self.collections.of(kind).find(both([*now, *shared]), session=self.session)
        past = self.collections.history_of(kind).find(both([*then, *shared]), session=self.session)
        found = await current.sort([("t", -1), ("_id", 1)]).limit(asked.count + 1).to_list()
        rows = [(kind, row) for row in found if asked.at is None or not row["d"] or row["t"] >= asked.at[0]]
        ordered = past.sort([("t", -1), ("i", 1), ("v", -1)])
        rows += [(kind, row) for row in await self._first(kind, ordered, sight, asked)]
        return sorted(rows, key=_newest_first)

    async def _first(self, kind: str, ordered: Any, sight: Condition, asked: Asked) -> list[Document]:
        """As many past rows as a page needs; what must not be seen, or was over by then, is read past."""
        found: list[Document] = []
        while len(found) <= asked.count and (portion := await ordered.to_list(PORTION)):
            seen = await self._still_visible(kind, portion, sight)
            portion = [row for row in portion if row["i"] in seen]
            found += portion if asked.at is None else await self._at(kind, portion, asked.at[0])
        return found[: asked.count + 1]

    async def _at(self, kind: str, rows: Sequence[Document], start: datetime) -> list[Document]:
        """Those that were current at the start or came later: a version is current until the next one comes."""
        before = [row for row in rows if row["t"] < start]
        following = {(row["i"], row["v"] + 1) for row in before}
        names = [f"{kind}/{identity}/{version}" for identity, version in sorted(following)]
        ids = sorted({identity for identity, _ in following})
        then = self.collections.history_of(kind).find({"_id": {"$in": names}}, {"t": 1, "i": 1, "v": 1})
        now = self.collections.of(kind).find({"_id": {"$in": ids}}, {"t": 1, "v": 1})
        ends = {(row["i"], row["v"]): row["t"] async for row in then}
        ends |= {(row["_id"], row["v"]): row["t"] async for row in now}
        return [
            row for row in rows
            if row["t"] >= start or (not row["d"] and ends.get((row["i"], row["v"] + 1), start) > start)
        ]  # fmt: skip

    async def _still_visible(self, kind: str, past: Sequence[Document], sight: Condition) -> set[str]:
        """A label set later hides the versions before it as well."""
        ids = {row["i"] for row in past}
        found = self.collections.of(kind).find(
            both([{"_id": {"$in": sorted(ids)}}, sight]), {"_id": 1}, session=self.session
        )
        return {row["_id"] async for row in found}

    async def _members(self, lists: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The ids that these Lists name, by type, as far as the Lists may be seen."""
        sight = visible("List", self.visibility)
        if not lists or sight is None:
            return {}
        found: dict[str, tuple[str, ...]] = {}
        rows = self.collections.of("List").find(
            both([{"_id": {"$in": list(lists)}}, sight, {"d": False}]), session=self.session
        )
        async for row in rows:
            for entry in decode(bytes(row["text"])).get("entry", ()):
                kind, _, identity = entry.get("item", {}).get("reference", "").partition("/")
                found[kind] = (*found.get(kind, ()), identity.partition("/")[0])
        return found


def _ids(
    kind: str, resource_id: str | None, asked: Asked, members: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...] | None:
    """The ids that are meant, None for all of the type."""
    named = (resource_id,) if resource_id else None
    if not asked.lists:
        return named
    listed = members.get(kind, ())
    return listed if named is None else tuple(one for one in named if one in listed)


def _name(kind: str, row: Mapping[str, Any]) -> str:
    return f"{kind}/{row.get('i') or row['_id']}"


def _newest_first(found: tuple[str, Document]) -> tuple[float, str, int]:
    kind, row = found
    return -row["t"].timestamp(), _name(kind, row), -row["v"]


def _cursor(kind: str, row: Document) -> str:
    return f"{instant(row['t'])}~{_name(kind, row)}~{row['v']}"
