"""
Where a FHIRPath of a patch points: not values, but the places that hold them.

The paths of patches are element names, indexes, first(), last() and where() with equalities; others are refused.
https://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from records.definitions import definitions
from records.errors import Invalid
from records.stored import Json

_STEP = re.compile(
    r"(?P<name>[A-Za-z_]\w*)(?P<tail>(?:\[\d+\]|\.first\(\)|\.last\(\)|\.where\((?:[^()']|'(?:[^'\\]|\\.)*')*\)"
    r"|\.ofType\(\w+\))*)(?:\.|$)"
)
_TAIL = re.compile(r"\[(\d+)\]|\.(first|last)\(\)|\.where\(((?:[^()']|'(?:[^'\\]|\\.)*')*)\)|\.ofType\((\w+)\)")
_EQUAL = re.compile(r"\s*([A-Za-z_][\w.]*)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(true|false|-?\d+(?:\.\d+)?))\s*")


@dataclass(frozen=True, slots=True)
class Place:
    """`holder[key]` is the element: a member of an object, or an entry of a list."""

    holder: Any
    key: str | int

    @property
    def value(self) -> Any:
        return self.holder[self.key]


def find(resource: Json, path: str) -> list[Place]:
    """Every place that the path points at; Invalid for a path that is not understood."""
    steps = list(_steps(path))
    if not steps or steps[0] != (resource["resourceType"], ""):
        raise Invalid("The path of a patch begins with the resource's type.")
    current: list[Any] = [resource]
    places: list[Place] = []
    for name, tail in steps[1:]:
        places = _narrow([place for one in current for place in _members(one, name, tail)], tail)
        current = [place.value for place in places]
    return places


def _steps(path: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None or found.end() == at:
            raise Invalid("The path of a patch has names, indexes, first(), last(), ofType() and where() only.")
        yield found["name"], found["tail"]
        at = found.end()


def _members(node: Any, name: str, tail: str) -> list[Place]:
    if not isinstance(node, dict):
        return []
    key = _key(node, name, tail)
    if key is None:
        return []
    value = node[key]
    return [Place(value, number) for number in range(len(value))] if isinstance(value, list) else [Place(node, key)]


def _key(node: Json, name: str, tail: str) -> str | None:
    """The member's name; a choice is found under the name of its type."""
    if name in node:
        return name
    wanted = re.search(r"\.ofType\((\w+)\)", tail)
    suffixes = [wanted[1]] if wanted else _TYPES
    return next((key for one in suffixes if (key := name + one[:1].upper() + one[1:]) in node), None)


_TYPES = (
    "Quantity", "CodeableConcept", "string", "boolean", "integer", "Range", "Ratio", "SampledData", "time", "dateTime",
    "Period", "date", "Age", "Reference", "decimal", "code", "uri", "Timing", "instant", "Attachment", "Coding",
    "Identifier", "Duration", "Money", "canonical", "markdown", "positiveInt", "Annotation",
)  # fmt: skip


def _narrow(places: list[Place], tail: str) -> list[Place]:
    for found in _TAIL.finditer(tail):
        index, end, condition, _ = found.groups()
        if index is not None:
            places = places[int(index) : int(index) + 1]
        elif end is not None:
            places = places[:1] if end == "first" else places[-1:]
        elif condition is not None:
            places = [place for place in places if _holds(place.value, condition)]
    return places


def _holds(value: Any, condition: str) -> bool:
    for part in condition.split(" and "):
        found = _EQUAL.fullmatch(part)
        if found is None:
            raise Invalid("where() of a patch has equalities only.")
        wanted = found[2].replace("\\'", "'") if found[2] is not None else found[3]
        inner: Any = value
        for name in found[1].split("."):
            inner = inner.get(name) if isinstance(inner, dict) else None
        shown = {True: "true", False: "false"}.get(inner, str(inner)) if inner is not None else None
        if shown != wanted:
            return False
    return True


def repeats(resource: Json, path: str, name: str) -> bool:
    """Whether the element `name` below the elements of a path is a list, as the definitions say."""
    structure = definitions().structure(resource["resourceType"])
    for step, _ in [*_steps(path)][1:]:
        element = structure.elements.get(step)
        if element is None:
            return False
        structure = definitions().structure(element.reference or element.node or element.types[0].code)
    element = structure.elements.get(name)
    return element is not None and element.max != 1
