"""
Required bindings: codes that must come from one value set, where the definitions list it whole.

https://hl7.org/fhir/R4/terminologies.html#required
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from records.stored import Json
from records.validation.checks import After
from records.validation.primitives import Test
from records.validation.scope import Place, Scope

Codes = Mapping[str, frozenset[str]]


def code(codes: Codes) -> Test:
    """A code of the set; its system is understood."""
    known = frozenset(chain.from_iterable(codes.values()))
    return lambda value: type(value) is str and value in known


def concept(codes: Codes) -> After:
    """A CodeableConcept with at least one coding of the set, or one that says by an extension why it has none."""

    def check(value: Json, place: Place, scope: Scope) -> None:
        codings = value.get("coding")
        if not codings and "extension" in value:
            return
        if not any(_known(one) for one in codings or ()):
            scope.report(place, "", "None of the codings is of the required value set.", "code-invalid")

    def _known(coding: object) -> bool:
        return isinstance(coding, dict) and coding.get("code") in codes.get(str(coding.get("system")), ())

    return check
