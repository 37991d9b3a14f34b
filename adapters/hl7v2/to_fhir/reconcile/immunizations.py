"""
Vaccinations: given or not given by the latest word; one entered in error stays so until it is sent anew.

HL7 v2 RXA-20, RXA-21; https://hl7.org/fhir/R4/valueset-immunization-status.html
"""

from __future__ import annotations

from functools import partial

from adapters.errors import NotUnderstood
from adapters.facts import Json, Reconcile
from adapters.hl7v2.to_fhir.reconcile.moments import fill, is_older, overlay

_CORRECTIONS = frozenset({"U", "D"})
_SUBPOTENT = ("isSubpotent", "subpotentReason")


def given(action: str = "") -> Reconcile:
    """The rule of a vaccination whose RXA-21 is `action`."""
    return partial(_given, action)


def _given(action: str, current: Json | None, incoming: Json) -> Json | None:
    """The later statement stands; a deletion keeps what was deleted, marked; a dose given has no reason for refusal."""
    if current is None:
        return incoming
    _refuse_reuse(action, current, incoming)
    if is_older(current, incoming):
        return fill(current, incoming) if current["status"] == incoming["status"] else None
    if incoming["status"] == "entered-in-error":
        return overlay(current, {key: incoming[key] for key in ("status", "meta", "extension") if key in incoming})
    merged = overlay(current, incoming)
    if incoming["status"] != "not-done":
        merged.pop("statusReason", None)
    return {key: value for key, value in merged.items() if key not in _SUBPOTENT or key in incoming}


def _refuse_reuse(action: str, current: Json, incoming: Json) -> None:
    """A number used again for another vaccine on another day would put one dose in the place of another."""
    if action in _CORRECTIONS or current["status"] == "entered-in-error":
        return
    if _vaccine(current) != _vaccine(incoming) and _day(current) != _day(incoming):
        raise NotUnderstood("the order number belongs to another vaccination", location="ORC^1^3", condition="205")


def _vaccine(immunization: Json) -> str:
    concept = immunization["vaccineCode"]
    return str(next((c.get("code") for c in concept.get("coding", ())), concept.get("text", "")))


def _day(immunization: Json) -> str:
    return str(immunization.get("occurrenceDateTime", ""))[:10]
