"""
The walk through a resource: names, cardinality, types, bindings, targets, as the compiled definitions say.

https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from records.definitions import Element, Structure, Target, definitions
from records.errors import Issue
from records.stored import Json
from records.validation.bindings import is_bound
from records.validation.invariants import invariants
from records.validation.primitives import CHECKS
from records.validation.references import is_allowed

MOST_ISSUES = 200
_PLAIN = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}")


def validate(resource: Json) -> list[Issue]:
    """Every finding, at most 200 of them; an empty list for a valid resource."""
    walk = _Walk()
    walk.resource(resource, str(resource.get("resourceType", "Resource"))[:64])
    return walk.issues


class _Walk:
    """Collects findings; `where` is the FHIRPath of the place."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []

    def say(self, where: str, text: str, code: str = "structure") -> None:
        if len(self.issues) < MOST_ISSUES:
            self.issues.append(Issue(where, text, code))

    def resource(self, found: Any, where: str) -> None:
        """A resource, the outer one or one inside another."""
        kind = found.get("resourceType") if isinstance(found, dict) else None
        if not isinstance(kind, str) or not definitions().is_resource(kind):
            self.say(where, "This is no resource of FHIR R4.")
            return
        self.node(definitions().structure(kind), found, where, own=("resourceType",))
        for issue in invariants(found, where):
            self.say(issue.expression, issue.text, issue.code)

    def node(self, structure: Structure, found: Any, where: str, own: tuple[str, ...] = ()) -> None:
        """An object: every member is known and well formed, and none is missing."""
        if not isinstance(found, dict):
            self.say(where, "This must be an object.")
            return
        if not found:
            self.say(where, "An object without members is not allowed.")
        elements = structure.elements
        for name, value in found.items():
            if name in own and name not in elements:
                continue
            if (element := elements.get(name)) is not None:
                self.element(element, name, value, found, f"{where}.{name}")
            elif name[:1] == "_" and (element := elements.get(name[1:])) is not None:
                self.shadow(element, name, value, f"{where}.{name}")
            else:
                shown = name if _PLAIN.fullmatch(name) else "?"
                self.say(f"{where}.{shown}", f"{structure.name} has no element of this name.")
        self.present(structure, found, where)

    def present(self, structure: Structure, found: Mapping[str, Any], where: str) -> None:
        """What must be there is; a choice is made once."""
        for name, names, required in _demands(structure):
            chosen = [one for one in names if one in found or f"_{one}" in found]
            if required and not chosen:
                self.say(f"{where}.{name}", "This element is required.", "required")
            if len({one.lstrip("_") for one in chosen}) > 1:
                self.say(f"{where}.{name}", "Only one type of this element may be given.")

    def element(self, element: Element, name: str, value: Any, parent: Json, where: str) -> None:
        """One member with all its values."""
        target = _target(element, name)
        if element.max == 1:
            if isinstance(value, list):
                self.say(where, "This element does not repeat.")
            else:
                self.value(element, target, value, where)
            return
        if not isinstance(value, list) or not value:
            self.say(where, "This element is a list with at least one entry.")
            return
        if element.max and len(value) > element.max:
            self.say(where, f"At most {element.max} entries are allowed.")
        shadow = parent.get(f"_{name}")
        for number, one in enumerate(value):
            if one is None and _has_entry(shadow, number):
                continue
            self.value(element, target, one, f"{where}[{number}]")

    def value(self, element: Element, target: Target, value: Any, where: str) -> None:
        """One value of one type."""
        if element.reference:
            self.node(definitions().structure(element.reference), value, where)
        elif element.node:
            self.node(definitions().structure(element.node), value, where)
        elif (check := CHECKS.get(target.code)) is not None:
            if not check(value):
                self.say(where, f"This is no valid {target.code}.", "value")
            elif element.binding and not is_bound(element.binding, value):
                self.say(where, "This code is not in the required value set.", "code-invalid")
        elif target.code == "Resource":
            self.resource(value, where)
        else:
            self.datatype(element, target, value, where)

    def datatype(self, element: Element, target: Target, value: Any, where: str) -> None:
        """A complex type, with its binding and its targets."""
        self.node(definitions().structure(target.code), value, where)
        if not isinstance(value, dict):
            return
        if target.code == "Reference" and target.targets and not is_allowed(value, target.targets):
            self.say(where, "A reference may not point at a resource of this type here.", "value")
        if element.binding and not is_bound(element.binding, value):
            self.say(where, "This code is not in the required value set.", "code-invalid")

    def shadow(self, element: Element, name: str, value: Any, where: str) -> None:
        """`_name`: id and extensions of a primitive."""
        if _target(element, name[1:]).code not in CHECKS or element.node:
            self.say(where, "Only primitive elements have a member of this name.")
            return
        entries = value if isinstance(value, list) else [value]
        if isinstance(value, list) != (element.max != 1) or not entries:
            self.say(where, "This member has the shape of the element that it belongs to.")
            return
        structure = definitions().structure("Element")
        for number, one in enumerate(entries):
            if one is None and isinstance(value, list):
                continue
            self.node(structure, one, f"{where}[{number}]" if isinstance(value, list) else where)


def _target(element: Element, name: str) -> Target:
    """The type that a member has: of a choice, the one in its name."""
    if len(element.types) == 1 and not element.choice:
        return element.types[0]
    suffix = name[len(element.name) :]
    for target in element.types:
        if target.code[:1].upper() + target.code[1:] == suffix:
            return target
    return element.types[0] if element.types else Target("")


def _has_entry(shadow: Any, number: int) -> bool:
    return isinstance(shadow, list) and len(shadow) > number and shadow[number] is not None


_known_demands: dict[str, tuple[tuple[str, tuple[str, ...], bool], ...]] = {}


def _demands(structure: Structure) -> tuple[tuple[str, tuple[str, ...], bool], ...]:
    """(name, its names in JSON, required) of elements that are required or a choice."""
    if (known := _known_demands.get(structure.name)) is None:
        names: dict[str, list[str]] = {}
        for name, element in structure.elements.items():
            if element.min or element.choice:
                names.setdefault(element.name, []).append(name)
        known = tuple((name, tuple(ones), structure.elements[ones[0]].min > 0) for name, ones in names.items())
        _known_demands[structure.name] = known
    return known
