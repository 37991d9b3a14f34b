"""
Lists and connections: a search with its arguments, and the same search for many parents at once.

https://hl7.org/fhir/R4/graphql.html#list
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from hie.errors import Refused
from hie.fhir.call import Params
from hie.fhir.graphql.reading import Reading
from hie.fhir.persons import expand
from records.definitions import Definitions, definitions
from records.errors import UnknownParameter
from records.search import reference
from records.search.extract import Finder, finder
from records.search.request import EVERYWHERE
from records.stored import Json, Page, Stored


@dataclass(frozen=True, slots=True)
class Search:
    """What a list asks: `pointing` is (search parameter, reference) where it is of what points at a resource."""

    kind: str
    params: Params
    count: int
    offset: int = 0
    cursor: str | None = None
    total: bool = False
    pointing: tuple[str, str] | None = None


@dataclass(slots=True)
class Group:
    """The same search for several parents, waiting to be asked in one."""

    search: Search
    parents: dict[str, asyncio.Future[Sequence[Stored]]] = field(default_factory=dict)


def search_codes(kind: str) -> dict[str, str]:
    """Argument to search parameter: `address_city` to `address-city`."""
    known = {code.replace("-", "_"): code for code in definitions().search_parameters(kind)}
    return known | {code: code for code in EVERYWHERE}


def search_of(reading: Reading, kind: str, source: Json | None, arguments: Mapping[str, Any]) -> Search:
    """The search that the arguments ask; UnknownParameter where one of them makes no sense."""
    codes = search_codes(kind)
    params = [(codes[name], value) for name, values in arguments.items() if name in codes for value in values or ()]
    params += [("_sort", arguments["_sort"])] if arguments.get("_sort") else []
    settings = reading.call.services.settings
    count = _number("_count", arguments.get("_count"), settings.fhir_default_count)
    found = Search(
        kind, tuple(params), min(count, settings.fhir_max_count), _number("_offset", arguments.get("_offset"), 0),
        arguments.get("_cursor") or None,
    )  # fmt: skip
    if found.offset + found.count > settings.fhir_max_count and found.offset:
        raise UnknownParameter(f"_offset and _count reach to {settings.fhir_max_count}; page by {kind}Connection.")
    return found if source is None else replace(found, pointing=_pointing(kind, source, arguments))


def _number(name: str, value: int | None, default: int) -> int:
    if value is not None and value < 0:
        raise UnknownParameter(f"{name} is not negative.")
    return default if value is None else value


def _pointing(kind: str, source: Json, arguments: Mapping[str, Any]) -> tuple[str, str]:
    code = search_codes(kind).get(str(arguments["_reference"]), "")
    if f"{kind}:{code}" not in definitions().reverse_includes(source["resourceType"]):
        raise UnknownParameter(f"_reference names a parameter of {kind} that points at a {source['resourceType']}.")
    return code, f"{source['resourceType']}/{source['id']}"


async def page(reading: Reading, search: Search) -> Page:
    """One page of it for the caller."""
    visibility = await reading.searches(search.kind)
    if visibility is None:
        raise Refused(f"{search.kind} is not open to the caller.")
    reading.meter.searched()
    params = search.params + ((search.pointing,) if search.pointing else ())
    asked = await expand(reading.call, search.kind, params)
    form = (("_count", str(search.count + search.offset)), ("_total", "accurate" if search.total else "none"))
    async with reading.gate:
        found = await reading.call.services.store.search(
            search.kind, (*asked, *form), visibility=visibility, cursor=search.cursor,
            owner=reading.call.caller.subject,
        )  # fmt: skip
    reading.count(found.matches)
    return found


async def rows(reading: Reading, search: Search) -> Sequence[Stored]:
    """The rows of a list; lists of many parents that ask the same are answered by one search."""
    if search.pointing is None or search.offset:
        return (await page(reading, search)).matches[search.offset :]
    parents = replace(search, pointing=(search.pointing[0], ""))
    if parents not in reading.groups:
        reading.groups[parents] = Group(search)
        asyncio.get_running_loop().call_soon(_start, reading, parents)
    group: Group = reading.groups[parents]
    known = group.parents.setdefault(search.pointing[1], asyncio.get_running_loop().create_future())
    return await known


def _start(reading: Reading, key: Search) -> None:
    group: Group = reading.groups.pop(key)
    task = asyncio.get_running_loop().create_task(_answer(reading, group))
    reading.tasks.add(task)
    task.add_done_callback(reading.tasks.discard)


async def _answer(reading: Reading, group: Group) -> None:
    try:
        found = await _together(reading, group)
    except Exception as error:
        for one in group.parents.values():
            one.set_exception(error)
            one.exception()
        return
    for name, one in group.parents.items():
        one.set_result(found[name])


async def _together(reading: Reading, group: Group) -> dict[str, Sequence[Stored]]:
    """All parents in one search where a page can hold what they have; else each by itself."""
    names, search = list(group.parents), group.search
    assert search.pointing is not None
    code = search.pointing[0]
    if len(names) > 1:
        most = reading.call.services.settings.fhir_max_count
        whole = await page(reading, replace(search, pointing=(code, ",".join(names)), count=most))
        if whole.next_cursor is None:
            return _parted(reading, code, names, whole.matches, search.count)
    found = [await page(reading, replace(search, pointing=(code, name))) for name in names]
    return {name: one.matches for name, one in zip(names, found, strict=True)}


def _parted(
    reading: Reading, code: str, names: Sequence[str], found: Sequence[Stored], most: int
) -> dict[str, Sequence[Stored]]:
    parts: dict[str, list[Stored]] = {name: [] for name in names}
    for row in found:
        for name in _targets(reading, code, row):
            if name in parts and len(parts[name]) < most:
                parts[name].append(row)
    return dict(parts)


def _targets(reading: Reading, code: str, row: Stored) -> list[str]:
    """What a resource points at by one search parameter."""
    find = _finder(row.type, code, definitions())
    base = reading.call.base + "/"
    named = (one for value in find(reading.decoded(row)) for one in reference.targets(value))
    return list(dict.fromkeys(one.removeprefix(base) for one in named))


@lru_cache(maxsize=256)
def _finder(kind: str, code: str, known: Definitions) -> Finder:
    return finder(known.search_parameters(kind)[code].paths)
