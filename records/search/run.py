"""
Carry out a search: condition, sight, order, one page, what is included, the total.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession

from records.collections import Collections
from records.documents import Document, to_stored, visible
from records.errors import TooCostly
from records.search import includes, key_sets, paging
from records.search.dictionary import NO_DICTIONARY, Dictionary
from records.search.filters import Compiler
from records.search.key import EXACT, Condition, asks_for_key, both
from records.search.order import usual
from records.search.request import Request, Sort
from records.stored import Page, Stored, Visibility

MOST_INNER = 20_000
MOST_INCLUDED = 5_000
DEPTH = 8
PATIENCE_MS = 30_000


def sorts(request: Request) -> Sequence[Sort]:
    """The order that was asked for, or the usual one."""
    return request.sort or usual(request.type)


@dataclass(frozen=True, slots=True)
class Ends:
    """What the first and the last row of a page are sorted by; None where nothing lies beyond."""

    first: list[Any] | None = None
    last: list[Any] | None = None


def _ends(request: Request, rows: Sequence[Document], *, before: bool, behind: bool) -> Ends:
    def value(row: Document) -> list[Any]:
        return paging.values(sorts(request), row)

    return Ends(value(rows[0]) if rows and before else None, value(rows[-1]) if rows and behind else None)


@dataclass(frozen=True, slots=True)
class Searcher:
    """Runs searches for one caller; also the inner ones of chains, with the same sight."""

    collections: Collections
    visibility: Visibility
    session: AsyncClientSession | None = None
    base: str = ""
    dictionary: Dictionary = NO_DICTIONARY

    async def page(self, request: Request, size: int, after: Sequence[Any] | None) -> tuple[Page, list[Any] | None]:
        """One page, of what comes after a place in the order; and where the next one begins, None for the last."""
        page, ends = await self.leaf(request, size, after)
        return page, ends.last

    async def leaf(
        self, request: Request, size: int, place: Sequence[Any] | None, *, back: bool = False
    ) -> tuple[Page, Ends]:
        """One page of what comes after a place (`back`: before it), and what it ends with on both sides."""
        condition = await self.condition(request)
        if condition is None:
            return Page((), total=0, applied=request.applied), Ends()
        if request.only_count or size == 0:
            return Page((), total=await self.count(request.type, condition), applied=request.applied), Ends()
        rows = await self._rows(request, condition, size, place, back=back)
        if back and not rows:
            # What was there before is gone: this is the beginning.
            return await self.leaf(request, size, None)
        more, rows = len(rows) > size, rows[:size]
        rows = rows[::-1] if back else rows
        included = await self._included(request, rows) if rows else ()
        page = Page(
            tuple(to_stored(request.type, row) for row in rows),
            included,
            await self._total(request, condition, len(rows), more=more, first=place is None),
            applied=request.applied,
        )
        return page, _ends(request, rows, before=more if back else place is not None, behind=back or more)

    async def condition(self, request: Request) -> Condition | None:
        """What the database is asked; None where the caller may see nothing of the type."""
        sight = visible(request.type, self.visibility)
        if sight is None:
            return None
        if request.within:
            sight = both([sight, {"k": {"$in": list(request.within)}}])
        asked = await Compiler(self, self.base, self.dictionary).all(request.type, request.filters)
        # What was deleted has no keys.
        condition = both([asked, sight, {} if asks_for_key(asked) else {"d": False}])
        return await self._widened(request.type, condition)

    async def _widened(self, resource_type: str, condition: Condition) -> Condition:
        return await key_sets.widened(self.collections.key_sets, resource_type, condition, self.session)

    async def count(self, resource_type: str, condition: Condition, limit: int = 0) -> int:
        """How many rows there are; with a limit, no more than that."""
        options: dict[str, Any] = {"limit": limit} if limit else {}
        return await self.collections.of(resource_type).count_documents(
            condition, session=self.session, maxTimeMS=PATIENCE_MS, **options
        )

    async def _rows(
        self, request: Request, condition: Condition, size: int, place: Sequence[Any] | None, *, back: bool
    ) -> list[Document]:
        wanted = None if request.includes else {"k": 0}
        asked = paging.turned(sorts(request)) if back else sorts(request)
        if place is not None:
            condition = both([condition, paging.behind(asked, place)])
        found = self.collections.of(request.type).find(
            condition, wanted, sort=paging.order(asked), limit=size + 1, batch_size=size + 2, max_time_ms=PATIENCE_MS,
            session=self.session,
        )  # fmt: skip
        return await found.to_list()

    async def _total(
        self, request: Request, condition: Condition, found: int, *, more: bool, first: bool
    ) -> int | None:
        if request.total == "none":
            return None
        if first and not more:
            return found
        return await self.count(request.type, condition) if request.total in ("accurate", "estimate") else None

    # What chains ask: hie and everybody else come in by `page`.

    async def ids(self, resource_type: str, condition: Condition) -> list[str]:
        """Ids of everything visible that matches."""
        return [row["_id"] async for row in self._inner(resource_type, condition, {"_id": 1})]

    async def targets(self, resource_type: str, condition: Condition, prefix: str) -> list[str]:
        """What the keys behind a prefix say, of everything visible that matches."""
        rows = self._inner(resource_type, condition, {"k": 1})
        keys = [key async for row in rows for key in row["k"] if key.startswith(prefix)]
        return list(dict.fromkeys(key[len(prefix) :] for key in keys))

    async def listed(self, resource_type: str, lists: Sequence[str]) -> list[str]:
        """Ids that the `item` references of these Lists name, as far as the Lists may be seen."""
        ids = [one.removeprefix("List/") for one in lists]
        return await self.targets("List", {"_id": {"$in": ids}}, f"item{EXACT}{resource_type}/")

    async def _inner(
        self, resource_type: str, condition: Condition, fields: dict[str, int]
    ) -> AsyncIterator[Document]:
        sight = visible(resource_type, self.visibility)
        if sight is None:
            return
        condition = await self._widened(resource_type, both([condition, sight, {"d": False}]))
        found = self.collections.of(resource_type).find(condition, fields, session=self.session)
        count = 0
        async for row in found.limit(MOST_INNER + 1).max_time_ms(PATIENCE_MS):
            count += 1
            if count > MOST_INNER:
                raise TooCostly(f"A chain may pass over {MOST_INNER} {resource_type}s; narrow it.", status=422)
            yield row

    # Includes

    async def _included(self, request: Request, rows: Sequence[Document]) -> tuple[Stored, ...]:
        if not request.includes and not request.reverse_includes:
            return ()
        seen = {f"{request.type}/{row['_id']}" for row in rows}
        found: dict[str, Stored] = {}
        fresh = [(request.type, row) for row in rows]
        for depth in range(DEPTH):
            fresh = await self._around(request, fresh, seen, first=depth == 0)
            found |= {f"{kind}/{row['_id']}": to_stored(kind, row) for kind, row in fresh}
            if len(found) > MOST_INCLUDED:
                raise TooCostly(f"A page may include {MOST_INCLUDED} resources; ask for fewer rows.", status=422)
            if not fresh:
                break
        return tuple(found.values())

    async def _around(
        self, request: Request, fresh: Sequence[tuple[str, Document]], seen: set[str], *, first: bool
    ) -> list[tuple[str, Document]]:
        """Everything one step away from the fresh rows that was not seen yet."""
        wanted = [
            reference
            for include in request.includes
            if first or include.iterate
            for kind, row in fresh
            for reference in includes.forward(include, kind, row)
        ]
        found = await self._read(dict.fromkeys(wanted), seen)
        references = [f"{kind}/{row['_id']}" for kind, row in fresh]
        for include in request.reverse_includes:
            if first or include.iterate:
                for kind, keys in includes.reverse(include, references):
                    found += await self._find(kind, {"k": {"$in": keys}}, seen)
        return found

    async def _read(self, references: Iterable[str], seen: set[str]) -> list[tuple[str, Document]]:
        by_type: dict[str, list[str]] = {}
        for reference in references:
            kind, slash, identity = reference.partition("/")
            if slash and reference not in seen and kind.isalpha():
                by_type.setdefault(kind, []).append(identity)
        found: list[tuple[str, Document]] = []
        for kind, ids in by_type.items():
            found += await self._find(kind, {"_id": {"$in": ids}}, seen)
        return found

    async def _find(self, kind: str, condition: Condition, seen: set[str]) -> list[tuple[str, Document]]:
        sight = visible(kind, self.visibility)
        if sight is None:
            return []
        condition = await self._widened(kind, both([condition, sight, {"d": False}]))
        rows = self.collections.of(kind).find(condition, session=self.session)
        found = []
        async for row in rows.limit(MOST_INCLUDED + 1).max_time_ms(PATIENCE_MS):
            if (name := f"{kind}/{row['_id']}") not in seen:
                seen.add(name)
                found.append((kind, row))
        return found

