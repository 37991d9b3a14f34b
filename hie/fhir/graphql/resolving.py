"""
How each field gets its value: from the resource, by following a reference, or by a search.

https://hl7.org/fhir/R4/graphql.html#queries
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, SelectionSetNode

from hie.fhir.graphql.reading import Reading
from hie.fhir.graphql.reshaping import slice_path
from hie.fhir.graphql.searching import page, rows, search_of
from records.errors import NotFound, UnknownParameter
from records.stored import Json

Resolver = Callable[..., Awaitable[Any]]
Info = GraphQLResolveInfo[Reading]
NOT_RESOLVED = "A reference leads to nothing that can be shown here; `resource(optional: true)` passes over that."
INDEX = "$index"
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def resource_type_of(value: Json, *_: Any) -> str:
    """The object type of a resource."""
    return str(value["resourceType"])


def one_of(kind: str) -> Resolver:
    """`Patient(id: "...")`."""

    async def resolve(_source: Any, info: Info, **arguments: Any) -> Json:
        reading = info.context
        identity = str(arguments["id"])
        row = await reading.load(f"{kind}/{identity}") if _ID.fullmatch(identity) else None
        if row is None:
            raise NotFound("There is no such resource.")
        reading.meter.shows(1, info)
        return reading.opened(row)

    return resolve


def list_of(kind: str) -> Resolver:
    """`ObservationList(...)`, of the whole system or of what points at a resource."""

    async def resolve(source: Json | None, info: Info, **arguments: Any) -> list[Json]:
        reading = info.context
        search = search_of(reading, kind, source if "_reference" in arguments else None, arguments)
        found = await rows(reading, search)
        reading.meter.shows(len(found), info)
        return [reading.opened(row) for row in found]

    return resolve


def connection_of(kind: str) -> Resolver:
    """`ObservationConnection(...)`: one page, and the cursor of the next."""

    async def resolve(source: Json | None, info: Info, **arguments: Any) -> Json:
        reading = info.context
        search = search_of(reading, kind, source if "_reference" in arguments else None, arguments)
        counted = any(_selects(node.selection_set, "count", info) for node in info.field_nodes)
        found = await page(reading, replace(search, total=counted))
        reading.meter.shows(len(found.matches), info)
        edges = [{"mode": "match", "resource": reading.opened(row)} for row in found.matches]
        return {"count": found.total, "pagesize": search.count, "next": found.next_cursor, "edges": edges}

    return resolve


def _selects(selection: SelectionSetNode | None, name: str, info: Info) -> bool:
    for one in selection.selections if selection else ():
        if isinstance(one, FieldNode):
            if one.name.value == name:
                return True
        elif isinstance(one, FragmentSpreadNode):
            if _selects(info.fragments[one.name.value].selection_set, name, info):
                return True
        elif _selects(one.selection_set, name, info):  # type: ignore[attr-defined]
            return True
    return False


async def resolve_reference(source: Json, info: Info, **arguments: Any) -> Json | None:
    """`resource(type: Patient, optional: true)` of a Reference; what is contained is found in its resource."""
    reading = info.context
    wanted, literal = arguments.get("type"), source.get("reference")
    found = None
    if isinstance(literal, str):
        if wanted and not literal.startswith("#") and f"/{wanted}/" not in f"/{literal}":
            return None
        inside = literal.startswith("#")
        found = _contained(reading, source, literal) if inside else await reading.follow(literal, wanted)
    if found is None and not arguments.get("optional"):
        raise NotFound(NOT_RESOLVED)
    if found is None or (wanted and found["resourceType"] != wanted):
        return None
    reading.meter.shows(1, info)
    return found


def _contained(reading: Reading, source: Json, literal: str) -> Json | None:
    holder = reading.holder_of(source)
    if holder is None or literal == "#":
        return holder
    return next((one for one in holder["contained"] if one.get("id") == literal[1:]), None)


def resolve_list(source: Json, info: Info, **arguments: Any) -> list[Any] | None:
    """A repeating element: those entries that have the values asked for, a stretch of them, named by a @slice."""
    if "fhirpath" in arguments:
        raise UnknownParameter("fhirpath is not evaluated; name the values that an entry must have.")
    values = source.get(info.field_name)
    if values is None:
        return None
    start, count = arguments.pop("_offset", None) or 0, arguments.pop("_count", None)
    if start < 0 or (count or 0) < 0:
        raise UnknownParameter("_offset and _count are not negative.")
    found = [one for one in values if all(_text(one, name) == value for name, value in arguments.items())]
    found = found[start:] if count is None else found[start : start + count]
    info.context.meter.shows(len(found), info)
    _slice(found, info)
    return found


def _text(entry: Any, name: str) -> str | None:
    value = entry.get(name) if isinstance(entry, dict) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _slice(found: list[Any], info: Info) -> None:
    if path := slice_path(info):
        info.context.slices[tuple(info.path.as_list())] = [_at(one, path, at) for at, one in enumerate(found)]


def _at(entry: Any, path: str, number: int) -> str:
    """What the first value at a path of element names says; the place of the entry for $index."""
    if path == INDEX:
        return str(number)
    for step in path.split("."):
        entry = entry[0] if isinstance(entry, list) and entry else entry
        entry = entry.get(step) if isinstance(entry, dict) else None
    entry = entry[0] if isinstance(entry, list) and entry else entry
    return "" if entry is None or isinstance(entry, dict | list) else _said(entry)


def _said(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
