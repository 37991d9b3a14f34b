"""
Find what a search parameter speaks of in a resource: each value with its FHIR type.

The expressions of the specification are compiled to `Path`s; no FHIRPath engine runs.
https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from records.definitions import Path
from records.stored import Json


class Value(NamedTuple):
    """One value and its FHIR type (`HumanName`, `dateTime`, ...)."""

    type: str
    value: Any


def values(node: Json, paths: Iterable[Path]) -> Iterator[Value]:
    """Everything these paths find below a resource (or below one element of it)."""
    for path in paths:
        if path.exists:
            yield Value("boolean", _exists(node, path))
        elif path.extension:
            yield from _extensions(node, path)
        else:
            yield from _walk(node, path)


def nodes(node: Json, paths: Iterable[Path]) -> Iterator[Json]:
    """The same where elements are wanted: the places of a composite's components."""
    for path in paths:
        if not path.steps:
            yield node
            continue
        for found in _walk(node, path):
            if isinstance(found.value, dict):
                yield found.value


def _walk(node: Json, path: Path) -> Iterator[Value]:
    current: list[Any] = [node]
    for at, step in enumerate(path.steps[:-1]):
        current = [one for found in current if isinstance(found, dict) for one in _listed(found.get(step))]
        if at == path.where_at:
            current = [one for one in current if _equal(one, path)]
    last = path.steps[-1] if path.steps else ""
    for found in current:
        if isinstance(found, dict):
            yield from (one for one in _last(found, last, path) if _wanted(one, path))


def _last(node: Json, step: str, path: Path) -> Iterator[Value]:
    if step in node:
        kind = path.type or (path.datatypes[0] if path.datatypes else "")
        for one in _listed(node[step]):
            yield Value(kind, one)
        return
    for datatype in (path.type,) if path.type else path.datatypes:
        name = step + datatype[:1].upper() + datatype[1:]
        for one in _listed(node.get(name)):
            yield Value(datatype, one)


def _wanted(found: Value, path: Path) -> bool:
    if found.value is None:
        return False
    if path.where and path.where_at < 0 and not _equal(found.value, path):
        return False
    return not path.resolves or _names(found.value, path.resolves)


def _equal(value: Any, path: Path) -> bool:
    return path.where is not None and isinstance(value, dict) and value.get(path.where[0]) == path.where[1]


def _names(value: Any, resource_type: str) -> bool:
    """Whether a reference says that it is to this type; nothing is resolved."""
    if not isinstance(value, dict):
        return False
    parts = str(value.get("reference", "")).split("/")
    return resource_type in (parts[-2:-1] or [""]) or value.get("type") == resource_type


def _exists(node: Json, path: Path) -> bool:
    found = [one.value for one in _walk(node, path)]
    return any(one is not False for one in found)


def _extensions(node: Json, path: Path) -> Iterator[Value]:
    current: list[Any] = [node]
    for step in path.steps:
        current = [one for found in current if isinstance(found, dict) for one in _listed(found.get(step))]
    for found in current:
        for extension in _listed(found.get("extension") if isinstance(found, dict) else None):
            if extension.get("url") == path.extension:
                yield from (
                    Value(name[5].lower() + name[6:] if name[5:] in _PRIMITIVES else name[5:], value)
                    for name, value in extension.items()
                    if name.startswith("value")
                )


_PRIMITIVES = frozenset({"Boolean", "Code", "Date", "DateTime", "Decimal", "Id", "Instant", "Integer", "String", "Uri"})


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
