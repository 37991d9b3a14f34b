"""
The tables that a request may come by: what is stored under their addresses now, compiled where its content is new.

The store is asked each time which versions there are, without their texts, so that what one process writes the others
see at once. What is inside of a table leads to others, until nothing new is named.
https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession

from hie.fhir.operations.terminology.grammars import GRAMMARS
from records.collections import Collections
from records.documents import visible
from records.search.canonicals import Standing, everything, having, standing, texts
from records.search.key import EXACT
from records.stored import EVERYTHING, Json, Stored, Visibility, decode
from terminology.service import terminology
from terminology.tables import hl7, reading
from terminology.tables.concept_map import ConceptMap
from terminology.tables.library import NO_VERSIONS, Library, Region, Versions, same
from terminology.tables.system import System
from terminology.tables.value_set import ValueSet

Table = System | ValueSet | ConceptMap
KINDS = ("ValueSet", "CodeSystem", "ConceptMap")
# How far tables lead to others.
ROUNDS = 12
# Of texts, whose tables are kept; above the second size a text is compiled beside the loop.
MOST_BYTES, LARGE = 48_000_000, 100_000
_READ: Mapping[str, Callable[[Json, str], Table]] = {
    "CodeSystem": reading.code_system, "ValueSet": reading.value_set, "ConceptMap": reading.concept_map,
}  # fmt: skip
Kept = tuple[Table, Json, int]
_kept: OrderedDict[str, Kept] = OrderedDict()


@cache
def region() -> Region:
    """The dictionary of the package, compiled once."""
    return Region(terminology())


@dataclass(slots=True)
class Wanted:
    """Addresses by kind; those that were looked for are not looked for again."""

    fresh: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    seen: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})

    def add(self, kind: str, canonicals: Iterable[str]) -> None:
        """Look for these as well, a code system by its other name too."""
        urls = {url for one in canonicals if (url := one.partition("|")[0])}
        if kind == "CodeSystem":
            urls |= {same(one) for one in urls}
        self.fresh[kind] |= urls - self.seen[kind]

    def take(self, kind: str) -> set[str]:
        """What is to be looked for now."""
        taken, self.fresh[kind] = self.fresh[kind], set()
        self.seen[kind] |= taken
        return taken

    def follow(self, table: Table) -> None:
        """What a table leads to."""
        if isinstance(table, ValueSet):
            self.add("ValueSet", table.value_sets)
            self.add("CodeSystem", table.systems)
        elif isinstance(table, ConceptMap):
            self.add("ConceptMap", table.others)
            # For the names of what it leads to.
            self.add("CodeSystem", (one for group in table.groups for one in (group.source, group.target)))


@dataclass(frozen=True, slots=True)
class Shelf:
    """Gathers tables; `visibility` is what the caller may see of them."""

    collections: Collections
    visibility: Visibility = EVERYTHING
    session: AsyncClientSession | None = None

    async def library(
        self,
        *,
        value_sets: Iterable[str] = (),
        systems: Iterable[str] = (),
        maps: Iterable[str] = (),
        given: Iterable[Table] = (),
        versions: Versions = NO_VERSIONS,
    ) -> Library:
        """Everything that these addresses and these tables lead to."""
        wanted, found = Wanted(), dict[str, list[Kept]]()
        for kind, canonicals in zip(KINDS, (value_sets, systems, maps), strict=True):
            wanted.add(kind, canonicals)
        for table in given:
            wanted.follow(table)
        for _ in range(ROUNDS):
            if not any(wanted.fresh.values()):
                break
            for kind in KINDS:
                urls = wanted.take(kind)
                for one in await self.stored(kind, urls):
                    found.setdefault(kind, []).append(one)
                    wanted.follow(one[0])
                for table in _built_in(kind, urls):
                    wanted.follow(table)
        return _library(found, versions)

    async def code_systems(self) -> list[System]:
        """Every code system that is stored, the newest of each address first."""
        sight = visible("CodeSystem", self.visibility)
        rows = [] if sight is None else await everything(self.collections, "CodeSystem", sight)
        found = _library({"CodeSystem": await self.kept("CodeSystem", rows)}, NO_VERSIONS)
        return [one for tables in found.systems.values() for one in tables]

    async def maps_of(self, systems: Iterable[str], *, reverse: bool) -> list[ConceptMap]:
        """The maps, stored or HL7's, that lead from one of these code systems (`reverse`: to one of them)."""
        urls = {one for one in systems if one}
        side = "target-system" if reverse else "source-system"
        sight = visible("ConceptMap", self.visibility)
        keys = [f"{side}{EXACT}{one}" for one in sorted(urls)]
        rows = [] if sight is None else await having(self.collections, "ConceptMap", keys, sight, self.session)
        found = [table for table, _, _ in await self.kept("ConceptMap", rows) if isinstance(table, ConceptMap)]
        for url in hl7.index("ConceptMap"):
            one = hl7.concept_map(url)
            if one and urls & {group.target if reverse else group.source for group in one.groups}:
                found.append(one)
        return found

    async def stored(self, kind: str, urls: Iterable[str]) -> list[Kept]:
        """The tables of a kind that are stored under these addresses, and supplements to them."""
        sight = visible(kind, self.visibility)
        rows = [] if sight is None else await standing(self.collections, kind, urls, sight, self.session)
        return await self.kept(kind, rows)

    async def kept(self, kind: str, rows: list[Standing]) -> list[Kept]:
        """The compiled tables of these versions."""
        found = [_use(one.key) for one in rows if one.key in _kept]
        if lacking := [one for one in rows if one.key not in _kept]:
            for one, text in (await texts(self.collections, kind, lacking, self.session)).items():
                found.append(await _keep(one.key, kind, text))
        return found

    async def table(self, row: Stored) -> Table:
        """The table of a resource that was read."""
        one = Standing.of(self.collections, row)
        return (_use(one.key) if one.key in _kept else await _keep(one.key, row.type, row.text))[0]


async def _keep(key: str, kind: str, text: bytes) -> Kept:
    def compiled() -> Kept:
        raw = decode(text)
        return _READ[kind](raw, key), _about(raw), len(text)

    found = _kept[key] = await asyncio.to_thread(compiled) if len(text) > LARGE else compiled()
    while len(_kept) > 1 and sum(size for _, _, size in _kept.values()) > MOST_BYTES:
        _kept.popitem(last=False)
    return found


def _use(key: str) -> Kept:
    _kept.move_to_end(key)
    return _kept[key]


def _about(raw: Json) -> Json:
    return {name: raw[name] for name in ("status", "version", "content", "supplements") if name in raw}


def _built_in(kind: str, urls: Iterable[str]) -> Iterable[Table]:
    found: list[Table | None] = []
    for url in urls:
        if kind == "ValueSet":
            found += [region().value_set(url, ""), hl7.value_set(url)]
        elif kind == "ConceptMap":
            found += [hl7.concept_map(url)]
    return [one for one in found if one is not None]


def _library(found: Mapping[str, list[Kept]], versions: Versions) -> Library:
    systems, supplements = dict[str, list[Any]](), dict[str, list[Any]]()
    for table, about, _ in sorted(found.get("CodeSystem", ()), key=_rank, reverse=True):
        match about.get("content"):
            case "supplement":
                supplements.setdefault(str(about.get("supplements", "")).partition("|")[0], []).append(table)
            case "not-present":
                pass
            case _:
                systems.setdefault(table.url, []).append(table)
    sets, maps = _by_url(found.get("ValueSet", ())), _by_url(found.get("ConceptMap", ()))
    return Library(region(), systems, supplements, sets, maps, GRAMMARS, versions)


def _by_url(found: Iterable[Kept]) -> dict[str, list[Any]]:
    by_url: dict[str, list[Any]] = {}
    for table, _, _ in sorted(found, key=_rank, reverse=True):
        by_url.setdefault(table.url, []).append(table)
    return by_url


def _rank(one: Kept) -> tuple[bool, tuple[tuple[int, str], ...], str]:
    """The newest business version is taken where nobody says which, and none that is retired before others."""
    parts = str(one[1].get("version", "")).split(".")
    number = tuple((int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts)
    return one[1].get("status") != "retired", number, one[0].key
