"""
Find what a search parameter speaks of in a resource: each value with its FHIR type.

The expressions of the specification are compiled to `Path`s, and each Path once to a function; no FHIRPath engine
runs. https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from records.definitions import Path
from records.search.custom_walk import follow
from records.stored import Json


class Value(NamedTuple):
    """One value and its FHIR type (`HumanName`, `dateTime`, ...)."""

    type: str
    value: Any


Finder = Callable[[Json], list[Value]]


def finder(paths: Iterable[Path]) -> Finder:
    """A function that finds everything these paths speak of, below a resource or one element of it."""
    found = tuple(_compiled(path) for path in paths)
    if len(found) == 1:
        return found[0]
    return lambda node: [value for one in found for value in one(node)]


def first_names(paths: Iterable[Path]) -> frozenset[str] | None:
    """Members of which a resource must have one for these paths to find anything; None: it may find without."""
    names: set[str] = set()
    for path in paths:
        if path.exists or not (path.steps or path.extension):
            return None
        names |= {path.steps[0], *(name for _, name in _choices(path))} if path.steps else {"extension"}
    return frozenset(names)


def _compiled(path: Path) -> Finder:
    if path.walk:
        return lambda node: [Value(*one) for one in follow(path, node)]
    if path.exists:
        return lambda node: [Value("boolean", any(one is not False for one in _of_choice(node, path.steps[-1])))]
    if path.extension:
        return lambda node: _extensions(node, path)
    if not path.steps:
        return lambda node: [Value("", node)]
    return _walk(path)


def _of_choice(node: Json, step: str) -> Iterator[Any]:
    """The values of an element of several types, under any of its names."""
    for name, value in node.items():
        if name == step or (name.startswith(step) and name[len(step) : len(step) + 1].isupper()):
            yield value


def _walk(path: Path) -> Finder:
    """The values at the end of the steps that pass the path's conditions."""
    last = _last(path)
    leading = path.steps[:-1]
    wanted = _condition(path)
    if not leading and wanted is None:
        return last

    def walk(node: Json) -> list[Value]:
        found = [one for inner in _inside(node, leading, path) for one in last(inner)]
        return found if wanted is None else [one for one in found if wanted(one)]

    return walk


def _last(path: Path) -> Finder:
    """The member of the last step; a choice under each of its names."""
    step = path.steps[-1]
    kind = path.type or (path.datatypes[0] if path.datatypes else "")
    names = [(kind, step), *_choices(path)]

    def last(node: Json) -> list[Value]:
        for datatype, name in names:
            value = node.get(name)
            if value is not None:
                if isinstance(value, list):
                    return [Value(datatype, one) for one in value if one is not None]
                return [Value(datatype, value)]
        return []

    return last


def _choices(path: Path) -> list[tuple[str, str]]:
    step = path.steps[-1]
    return [(one, step + one[:1].upper() + one[1:]) for one in ((path.type,) if path.type else path.datatypes)]


def _inside(node: Json, steps: Iterable[str], path: Path) -> list[Json]:
    current: list[Any] = [node]
    for at, step in enumerate(steps):
        current = [one for found in current for one in _listed(found.get(step)) if isinstance(one, dict)]
        if at == path.where_at:
            current = [one for one in current if _equal(one, path)]
    return current


def _condition(path: Path) -> Callable[[Value], bool] | None:
    """What the last step must be like; None where anything will do."""
    if path.resolves:
        return lambda found: _names(found.value, path.resolves)
    if path.where and path.where_at < 0:
        return lambda found: _equal(found.value, path)
    return None


def _equal(value: Any, path: Path) -> bool:
    return path.where is not None and isinstance(value, dict) and value.get(path.where[0]) == path.where[1]


def _names(value: Any, resource_type: str) -> bool:
    """Whether a reference says that it is to this type; nothing is resolved."""
    if not isinstance(value, dict):
        return False
    parts = str(value.get("reference", "")).split("/")
    return resource_type in parts[-2:-1] or value.get("type") == resource_type


def _extensions(node: Json, path: Path) -> list[Value]:
    return [
        Value(_value_type(name), value)
        for inner in _inside(node, path.steps, path)
        for extension in _listed(inner.get("extension"))
        if isinstance(extension, dict) and extension.get("url") == path.extension
        for name, value in extension.items()
        if name.startswith("value")
    ]


def _value_type(name: str) -> str:
    """`valueString` to `string`, `valueCodeableConcept` to `CodeableConcept`."""
    lower = name[5:6].lower() + name[6:]
    return lower if lower in _PRIMITIVES else name[5:]


_PRIMITIVES = frozenset({"boolean", "code", "date", "dateTime", "decimal", "id", "instant", "integer", "string", "uri"})


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
