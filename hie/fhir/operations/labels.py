"""
Sets of labels: profiles are equal by address; tags and security labels by system and code, whatever they display.

https://hl7.org/fhir/R4/resource.html#Meta
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from records.stored import Json

Key = Callable[[Any], Hashable]


def _coding(one: Json) -> Hashable:
    return one.get("system", ""), one.get("code", "")


def _address(one: str) -> Hashable:
    return one


SETS: dict[str, Key] = {"profile": _address, "security": _coding, "tag": _coding}


def add(meta: Json, given: Json) -> Json:
    """The meta with what it did not have yet."""
    return _each(meta, given, lambda key, there, new: _distinct(key, [*there, *new]))


def remove(meta: Json, given: Json) -> Json:
    """The meta without what is given."""
    return _each(meta, given, lambda key, there, gone: _without(key, there, gone))


def summed(metas: Sequence[Json]) -> Json:
    """All labels of several, each once, in a steady order."""
    together: Json = {}
    for one in metas:
        together = add(together, {name: one[name] for name in SETS if name in one})
    return {name: sorted(together[name], key=lambda one: str(SETS[name](one))) for name in SETS if name in together}


def labels_of(meta: Json) -> frozenset[Hashable]:
    """The security labels."""
    return frozenset(_coding(one) for one in meta.get("security", ()))


def _each(meta: Json, given: Json, change: Callable[[Key, list[Any], list[Any]], list[Any]]) -> Json:
    changed = {name: change(key, meta.get(name, []), given[name]) for name, key in SETS.items() if name in given}
    return {name: value for name, value in (meta | changed).items() if value != []}


def _distinct(key: Key, values: list[Any]) -> list[Any]:
    found: dict[Hashable, Any] = {}
    for one in values:
        found.setdefault(key(one), one)
    return list(found.values())


def _without(key: Key, there: list[Any], gone: list[Any]) -> list[Any]:
    names = {key(one) for one in gone}
    return [one for one in there if key(one) not in names]
