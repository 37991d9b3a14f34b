"""
Walk over one JSON object: every name must be known, and what must be there is.

https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from records.stored import Json
from records.validation.scope import MOST_ISSUES, Place, Scope

# One property: its value, the object it is in, where that object is, and where findings go.
Check = Callable[[object, Json, "Place | None", Scope], None]


@dataclass(frozen=True, slots=True)
class Law:
    """A rule between several elements: its key in the specification, in words, and as a question to an object."""

    key: str
    text: str
    holds: Callable[[Json], bool]


@dataclass(frozen=True, slots=True)
class Shape:
    """
    A structure as the walk needs it: a check for each name in JSON.

    `required` are elements with every name they can have, `choices` the names that exclude each other.
    """

    name: str
    checks: Mapping[str, Check]
    required: tuple[tuple[str, ...], ...]
    choices: tuple[frozenset[str], ...]
    laws: tuple[Law, ...]


def walk(node: Json, shape: Shape, place: Place | None, scope: Scope) -> bool:
    """Report whatever is wrong in this object; True where it and all in it is well formed."""
    if not node:
        scope.report(place, "", "An object must not be empty.", "structure")
    before, checks = len(scope.found), shape.checks
    for name, value in node.items():
        check = checks.get(name)
        if check is not None:
            check(value, node, place, scope)
        else:
            scope.report(place, name, f"{shape.name} has no such element.", "structure")
    for names in shape.required:
        if names[0] not in node and not _any(names, node):
            scope.report(place, names[0], f"{shape.name} must have this element.", "required")
    for choice in shape.choices:
        if len(there := choice.intersection(node)) > 1:
            _one_of(there, place, scope)
    if not len(scope.found) == before < MOST_ISSUES:
        return False
    # The laws may rely on the types that were just checked.
    for law in shape.laws:
        if not law.holds(node):
            scope.report(place, "", f"{law.key}: {law.text}", "invariant")
    return True


def _any(names: tuple[str, ...], node: Json) -> bool:
    return any(name in node for name in names)


def _one_of(names: frozenset[str], place: Place | None, scope: Scope) -> None:
    if len({name.removeprefix("_") for name in names}) > 1:
        scope.report(place, min(names), "Only one type of this element may be there.", "structure")
