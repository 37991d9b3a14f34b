"""
Vaccinations: given or not given by the latest word; one entered in error stays so until it is sent anew.

HL7 v2 RXA-20, RXA-21; https://hl7.org/fhir/R4/valueset-immunization-status.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.to_fhir.reconcile.moments import fill, is_older, overlay


def given(current: Json | None, incoming: Json) -> Json | None:
    """The later statement stands; a deletion keeps what was deleted, marked; a dose given has no reason for refusal."""
    if current is None:
        return incoming
    if is_older(current, incoming):
        return fill(current, incoming) if current["status"] == incoming["status"] else None
    if incoming["status"] == "entered-in-error":
        return overlay(current, {key: incoming[key] for key in ("status", "meta", "extension") if key in incoming})
    merged = overlay(current, incoming)
    if incoming["status"] != "not-done":
        merged.pop("statusReason", None)
    return merged
