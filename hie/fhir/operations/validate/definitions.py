"""
The definitions that a validation needs, out of the store: looked for by address, parsed where their content is new.

Each time the store is asked which versions there are now, so that what one process writes the others see at once.
https://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from hie.fhir.operations.terminology.shelf import Shelf
from hie.fhir.operations.validate.vocabulary import RegionVocabulary
from records.resource_store import ResourceStore
from records.stored import Json, Stored
from records.validation.profiles import Known, Version, core

MOST_KEPT = 2_000
# How far definitions lead to others: an extension of a profile of a base, and so on.
ROUNDS = 12
PORTION = 100
_read: OrderedDict[str, Json] = OrderedDict()


async def known_for(store: ResourceStore, canonicals: Iterable[str]) -> Known:
    """Everything that these canonicals mean and lead to, with the value sets that they require."""
    versions = await _definitions(store, canonicals)
    sets = {url for one in versions for url in _value_sets(one.definition)}
    sets |= {url for one in _led_to(versions) for url in _value_sets(one)}
    return Known.of(versions, RegionVocabulary(await Shelf(store.collections).library(value_sets=sets)))


def _led_to(versions: Iterable[Version]) -> Iterator[Json]:
    """Definitions of the core package that stored ones are based on or ask for."""
    for one in versions:
        yield from (core()[url].definition for url in _references(one.definition) if url in core())


async def _definitions(store: ResourceStore, canonicals: Iterable[str]) -> list[Version]:
    found: dict[str, Version] = {}
    wanted, seen = {_url(one) for one in canonicals}, set[str]()
    for _ in range(ROUNDS):
        if not (new := wanted - seen):
            break
        seen |= new
        wanted = {url for one in new if one in core() for url in _references(core()[one].definition)}
        for row in await _by_url(store, "StructureDefinition", new):
            one = Version(_content(row), _digest(row))
            found[row.id] = one
            wanted |= _references(one.definition)
    return sorted(found.values(), key=lambda one: _number(one.definition), reverse=True)


async def _by_url(store: ResourceStore, kind: str, urls: Iterable[str]) -> list[Stored]:
    """What is stored under these addresses."""
    found, asked = list[Stored](), sorted(urls)
    for at in range(0, len(asked), PORTION):
        # What divides values of a search is written with a backslash in front.
        value = ",".join(one.replace("\\", "\\\\").replace(",", "\\,") for one in asked[at : at + PORTION] if one)
        if value:
            found += [row async for row in store.iterate(kind, [("url", value)])]
    return found


def _content(row: Stored) -> Json:
    key = _digest(row)
    if key not in _read:
        _read[key] = row.resource()
        while len(_read) > MOST_KEPT:
            _read.popitem(last=False)
    return _read[key]


def _digest(row: Stored) -> str:
    return blake2b(row.text, digest_size=16).hexdigest()


def _elements(definition: Json) -> Iterator[Json]:
    view = definition.get("snapshot") or definition.get("differential") or {}
    yield from (one for one in view.get("element", ()) if isinstance(one, dict))


def _references(definition: Json) -> set[str]:
    """Every definition that this one names."""
    found = {str(definition.get("baseDefinition", ""))}
    for element in _elements(definition):
        for kind in element.get("type", ()):
            found |= {*kind.get("profile", ()), *kind.get("targetProfile", ())}
    return {_url(one) for one in found if one}


def _value_sets(definition: Json) -> set[str]:
    bindings = (one.get("binding") or {} for one in _elements(definition))
    return {one["valueSet"] for one in bindings if one.get("strength") == "required" and one.get("valueSet")}


def _url(canonical: str) -> str:
    return canonical.partition("|")[0].partition("#")[0]


def _number(definition: Json) -> tuple[tuple[int, str], ...]:
    """The business version as something to sort by: the newest first, where nobody says which."""
    parts = str(definition.get("version", "")).split(".")
    return tuple((int(one), "") if one.isdigit() else (-1, one) for one in parts)
