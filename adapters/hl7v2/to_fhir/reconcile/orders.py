"""
Orders: a completed order is not reopened, a cancelled one not revived by an older message.

HL7 v2 chapter 4, tables 0119 and 0038; https://hl7.org/fhir/R4/valueset-request-status.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.to_fhir.reconcile.moments import fill, is_older, overlay

_TERMINAL = frozenset({"completed", "entered-in-error"})


def order(current: Json | None, incoming: Json) -> Json | None:
    """A ServiceRequest or MedicationRequest stated by an order message; "unknown" states nothing of the status."""
    if current is None:
        return incoming
    if is_older(current, incoming):
        return fill(current, incoming) | _identifiers(current, incoming)
    merged = overlay(current, incoming) | _identifiers(current, incoming)
    return {**merged, "status": _next(current["status"], incoming["status"])}


def _next(was: str, said: str) -> str:
    if said == "unknown" or (was in _TERMINAL and said != "entered-in-error"):
        return was
    return said


def _identifiers(current: Json, incoming: Json) -> Json:
    listed = {
        (i.get("system"), i.get("value")): i for i in (*current.get("identifier", []), *incoming.get("identifier", []))
    }
    return {"identifier": list(listed.values())} if listed else {}


def fulfilled(current: Json | None, incoming: Json) -> Json | None:
    """What a result says of its order: there is one (if nobody told us), and a final result completes it."""
    if current is None:
        return incoming
    filled = fill(current, incoming) | _identifiers(current, incoming)
    if incoming["status"] == "completed" and current["status"] not in ("revoked", "entered-in-error"):
        return {**filled, "status": "completed"}
    return {**filled, "status": current["status"]}
