"""
What a Composition leads to: the resources that it names, and what these name in turn, each once, level by level.

https://hl7.org/fhir/R4/documents.html#content
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from hie.errors import Refused
from hie.fhir.operations.sights import Sights
from records.definitions import definitions
from records.errors import Gone, Invalid, Issue, NotFound, TooCostly
from records.stored import Json, Stored

MOST = 1_000
_LOCAL = re.compile(
    r"(?P<name>(?P<type>[A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64})(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?(?:#.*)?"
)


class Link(NamedTuple):
    """A reference: to which resource, in which version where it says so, and where it stands."""

    name: str
    version: str
    place: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """The Composition first; `redacted` where something further on may not be shown or is not there."""

    rows: tuple[Stored, ...]
    metas: tuple[Json, ...]
    redacted: bool


async def gather(sights: Sights, composition: Stored, base: str) -> Gathered:
    """
    Everything that the Composition leads to.

    Invalid where what it refers to itself cannot be put in; TooCostly where it leads to too much. Of what is further
    away, only what is nobody's or of the same patient belongs to the document.
    """
    rows: dict[tuple[str, int], Stored] = {(composition.reference, composition.version): composition}
    resources = [composition.resource()]
    fresh, redacted = resources[:1], False
    first = True
    while fresh:
        links = [one for resource in fresh for one in _links(resource, base)]
        found = await _resolve(sights, links)
        missing = [one for one in links if one not in found]
        if first and missing:
            raise _incomplete(missing)
        redacted |= any(_local(one) for one in missing)
        fresh = []
        for row in found.values():
            key = (row.reference, row.version)
            if key in rows or not (first or _belongs(row, composition)):
                continue
            rows[key] = row
            fresh.append(row.resource())
        if len(rows) > MOST:
            raise TooCostly(f"The Composition leads to more than {MOST} resources.", status=422)
        resources += fresh
        first = False
    return Gathered(tuple(rows.values()), tuple(one.get("meta", {}) for one in resources), redacted)


def _belongs(row: Stored, composition: Stored) -> bool:
    return not row.patients or not set(row.patients).isdisjoint(composition.patients)


def _incomplete(missing: Sequence[Link]) -> Invalid:
    text = "What is referred to here is not on this server, or not open to the caller; a document is whole or is not."
    return Invalid(text, issues=[Issue(one.place, text, "not-found") for one in missing])


def _local(link: Link) -> bool:
    return "/" in link.name and ":" not in link.name


def _links(resource: Json, base: str) -> Iterator[Link]:
    for place, literal in _references(resource, resource["resourceType"]):
        relative = literal.removeprefix(base + "/")
        found = _LOCAL.fullmatch(relative)
        if found and found["type"] in definitions().resource_types:
            yield Link(found["name"], found["version"] or "", place)
        elif not literal.startswith("#"):
            yield Link(literal, "", place)


def _references(node: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every literal reference with the place where it stands."""
    if isinstance(node, list):
        for number, one in enumerate(node):
            yield from _references(one, f"{place}[{number}]")
    elif isinstance(node, dict):
        if isinstance(literal := node.get("reference"), str):
            yield place, literal
        for name, one in node.items():
            if isinstance(one, dict | list):
                yield from _references(one, f"{place}.{name}")


async def _resolve(sights: Sights, links: Sequence[Link]) -> dict[Link, Stored]:
    """What is there and may be seen; a reference to a version leads to that version."""
    current = await sights.read_many([one.name for one in links if _local(one)])
    found: dict[Link, Stored] = {}
    for one in links:
        row = current.get(one.name)
        if row is not None and one.version not in ("", str(row.version)):
            row = await _version(sights, one)
        if row is not None:
            found[one] = row
    return found


async def _version(sights: Sights, link: Link) -> Stored | None:
    kind, _, identity = link.name.partition("/")
    visibility = await sights(kind)
    if visibility is None or not link.version.isdigit():
        return None
    try:
        return await sights.call.services.store.vread(kind, identity, int(link.version), visibility=visibility)
    except (NotFound, Gone, Refused):
        return None
