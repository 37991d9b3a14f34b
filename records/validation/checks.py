"""
What a property may hold: a primitive, its extensions, an object, a resource; alone or in a list.

https://hl7.org/fhir/R4/json.html#primitive
"""

from __future__ import annotations

from collections.abc import Callable

from records.stored import Json
from records.validation.primitives import Test
from records.validation.scope import Place, Scope
from records.validation.walk import Check, Shape, walk

# What is asked of an object beyond its own structure: the targets of a reference, the codes of a concept.
After = Callable[[Json, Place, Scope], None]
# One object: the value, where it is, where findings go.
ObjectCheck = Callable[[object, Place, Scope], None]

NO_LIST = "This element is not a list."
A_LIST = "This element is a list, and a list is not empty."
AN_OBJECT = "This element is an object."


def primitive(name: str, test: Test, text: str, code: str) -> Check:
    """A primitive that is not in a list."""

    def check(value: object, node: Json, place: Place | None, scope: Scope) -> None:
        if not test(value):
            _refuse(value, name, place, scope, text, code)

    return check


def primitives(name: str, test: Test, text: str, code: str) -> Check:
    """A list of primitives; null stands only where the list of extensions has something."""
    shadow = f"_{name}"

    def check(value: object, node: Json, place: Place | None, scope: Scope) -> None:
        if type(value) is not list or not value:
            scope.report(place, name, A_LIST, "structure")
            return
        for index, one in enumerate(value):
            if not test(one) and not (one is None and _has(node.get(shadow), index)):
                _refuse(one, name, place, scope, text, code, index)

    return check


def _has(partner: object, index: int) -> bool:
    return isinstance(partner, list) and index < len(partner) and partner[index] is not None


def _refuse(value: object, name: str, place: Place | None, scope: Scope, text: str, code: str, index: int = -1) -> None:
    if value is None:
        scope.report(place, name, "null says nothing: leave the element out.", "structure", index)
    elif isinstance(value, list):
        scope.report(place, name, NO_LIST, "structure", index)
    elif isinstance(value, dict):
        scope.report(place, name, "This element is a primitive, not an object.", "structure", index)
    elif value == "":
        scope.report(place, name, "A text must not be empty.", "value", index)
    else:
        scope.report(place, name, text, code, index)


def shadow(name: str, shape: Callable[[], Shape]) -> Check:
    """`_name`: the id and the extensions of a primitive."""

    def check(value: object, node: Json, place: Place | None, scope: Scope) -> None:
        if isinstance(value, dict):
            walk(value, shape(), (place, name, -1), scope)
        else:
            scope.report(place, name, AN_OBJECT, "structure")

    return check


def shadows(name: str, shape: Callable[[], Shape]) -> Check:
    """`_name` of a list of primitives; null stands only where the list of values has something."""
    partner = name.removeprefix("_")

    def check(value: object, node: Json, place: Place | None, scope: Scope) -> None:
        if not isinstance(value, list) or not value:
            scope.report(place, name, A_LIST, "structure")
            return
        for index, one in enumerate(value):
            if isinstance(one, dict):
                walk(one, shape(), (place, name, index), scope)
            elif one is not None or not _has(node.get(partner), index):
                scope.report(place, name, AN_OBJECT, "structure", index)

    return check


def element(name: str, one: ObjectCheck) -> Check:
    """An object that is not in a list."""

    def check(value: object, node: Json, place: Place | None, scope: Scope) -> None:
        one(value, (place, name, -1), scope)

    return check


def elements(name: str, one: ObjectCheck) -> Check:
    """A list of objects."""

    def check(value: object, node: Json, place: Place | None, scope: Scope) -> None:
        if type(value) is not list or not value:
            scope.report(place, name, A_LIST, "structure")
            return
        for index, item in enumerate(value):
            one(item, (place, name, index), scope)

    return check


def shaped(shape: Callable[[], Shape], after: After | None) -> ObjectCheck:
    """An object of this structure."""

    def check(value: object, place: Place, scope: Scope) -> None:
        if type(value) is not dict:
            scope.report(place, "", NO_LIST if isinstance(value, list) else AN_OBJECT, "structure")
            return
        if walk(value, shape(), place, scope) and after is not None:
            after(value, place, scope)

    return check
