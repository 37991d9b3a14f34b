"""
References: what they point at must be of a type that the element allows, and what is local must be there.

Nothing is resolved; whether the target exists is the store's question. https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import re

from records.definitions import definitions
from records.stored import Json
from records.validation.checks import After
from records.validation.scope import Place, Scope

_LITERAL = re.compile(
    r"(?P<base>https?://\S+/)?(?P<type>[A-Z][A-Za-z]*)(?:/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?|\?\S*)",
    re.ASCII,
)


def reference(targets: frozenset[str]) -> After:
    """A Reference to one of these types; to any, where there are none."""

    def check(value: Json, place: Place, scope: Scope) -> None:
        literal = value.get("reference")
        if type(literal) is not str:
            _logical(value, place, scope)
        elif literal.startswith("#"):
            if len(literal) > 1 and literal[1:] not in _contained(scope.resource):
                scope.report(place, "reference", "ref-1: Nothing of this id is contained here.", "invariant")
        elif (found := _LITERAL.fullmatch(literal)) is not None:
            _typed(found["type"], found["base"] is None, place, scope)

    def _typed(kind: str, relative: bool, place: Place, scope: Scope) -> None:
        if kind in targets or (not targets and not relative):
            return
        if not definitions().is_resource(kind):
            if relative:
                scope.report(place, "reference", "The reference is to no resource type of R4.", "value")
        elif targets:
            scope.report(place, "reference", f"A reference to {kind} is not allowed here.", "value")

    def _logical(value: Json, place: Place, scope: Scope) -> None:
        kind = value.get("type")
        if targets and isinstance(kind, str) and kind not in targets and definitions().is_resource(kind):
            scope.report(place, "type", f"A reference to {kind} is not allowed here.", "value")

    return check


def _contained(resource: Json) -> list[object]:
    inside = resource.get("contained")
    return [one.get("id") for one in inside if isinstance(one, dict)] if isinstance(inside, list) else []
