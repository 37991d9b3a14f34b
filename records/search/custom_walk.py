"""
Follow a walk through a resource: what the compiled expression of a custom search parameter finds.

https://hl7.org/fhirpath/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from records.definitions import Check, Path, Step
from records.stored import Json


class Found(NamedTuple):
    """One value and its FHIR type."""

    type: str
    value: Any


def follow(path: Path, node: Json) -> list[Found]:
    """Everything at the end of the path's walk, from a resource or one element of it."""
    return _along(path.walk, [Found("", node)])


def _along(steps: Iterable[Step], found: list[Found]) -> list[Found]:
    for step in steps:
        found = _step(step, found)
    return found


def _step(step: Step, found: list[Found]) -> list[Found]:
    match step.kind:
        case "child":
            return [inner for one in found for inner in _children(step, one.value)]
        case "extension":
            return [inner for one in found for inner in _extensions(step.url, one.value)]
        case "only":
            return [one for one in found if one.type in step.types]
        case "where":
            return [one for one in found if step.check is None or _holds(step.check, one)]
        case "at":
            return found[step.position : step.position + 1]
        case _:
            return [Found("boolean", bool(found))]


def _children(step: Step, node: Any) -> Iterator[Found]:
    if isinstance(node, dict):
        for name, kind in step.members:
            for value in _listed(node.get(name)):
                yield Found(kind, value)


def _extensions(url: str, node: Any) -> Iterator[Found]:
    if isinstance(node, dict):
        for one in _listed(node.get("extension")):
            if isinstance(one, dict) and one.get("url") == url:
                yield Found("Extension", one)


def _listed(value: Any) -> Iterator[Any]:
    for one in value if isinstance(value, list) else [value]:
        if one is not None:
            yield one


def _holds(check: Check, one: Found) -> bool:
    match check.kind:
        case "and":
            return all(_holds(part, one) for part in check.parts)
        case "or":
            return any(_holds(part, one) for part in check.parts)
        case "not":
            return not any(_holds(part, one) for part in check.parts)
        case "refers":
            return _refers(one.value, str(check.value))
    inner = _along(check.steps, [one])
    match check.kind:
        case "exists":
            return bool(inner)
        case "is":
            return any(found.type == check.value for found in inner)
        case "equals":
            return any(_same(found.value, check.value) for found in inner)
        case _:
            # Nothing compared with something is empty in FHIRPath, and an empty condition does not hold.
            return bool(inner) and not any(_same(found.value, check.value) for found in inner)


def _same(value: Any, wanted: str | bool) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return str(value) == wanted


def _refers(value: Any, resource_type: str) -> bool:
    """Whether a reference says that it is to this type; nothing is read for it."""
    literal = value.get("reference", "") if isinstance(value, dict) else value
    said = value.get("type") if isinstance(value, dict) else None
    parts = str(literal).partition("/_history/")[0].split("/")
    return resource_type in parts[-2:-1] or said == resource_type
