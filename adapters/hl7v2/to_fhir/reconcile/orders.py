"""
Orders: a completed order is not reopened, a cancelled one not revived by an older message or by a mere answer.

HL7 v2 chapter 4, tables 0119 and 0038; https://hl7.org/fhir/R4/valueset-request-status.html
"""

from __future__ import annotations

from functools import partial

from adapters.facts import Json, Reconcile
from adapters.hl7v2.to_fhir.reconcile.moments import fill, is_older, overlay

BEFORE = "urn:hie:status-before"
_TERMINAL = frozenset({"completed", "entered-in-error"})
_ENDED = frozenset({"revoked", "cancelled", "stopped", "entered-in-error"})
_LISTS = ("relevantHistory", "eventHistory", "supportingInfo", "specimen", "replaces", "basedOn")


def stated(effect: str, *, existing_only: bool = False) -> Reconcile:
    """
    The rule of a ServiceRequest or MedicationRequest of an order message.

    `effect` is what its control code does with the status (data/order_controls.json). `existing_only`: the message
    does not say for whom the order is, so one that is not there cannot be made.
    """
    return partial(_stated, effect, existing_only)


def order(current: Json | None, incoming: Json) -> Json | None:
    """A statement whose status holds; "unknown" states nothing of the status."""
    return _stated("set", False, current, incoming)


def _stated(effect: str, existing_only: bool, current: Json | None, incoming: Json) -> Json | None:
    if current is None:
        return None if existing_only else incoming
    if is_older(current, incoming):
        return fill(current, incoming) | _grown(current, incoming)
    merged = overlay(_without_before(current), incoming) | _grown(current, incoming)
    status = _next(effect, current, incoming)
    before = current["status"] if effect == "ask" and status != current["status"] else ""
    return _remembering({**merged, "status": status, **_named(current, incoming)}, before)


def _next(effect: str, current: Json, incoming: Json) -> str:
    was, said = str(current["status"]), str(incoming["status"])
    if said == "unknown" or effect == "none":
        return said if was == "unknown" else was
    if was in _TERMINAL and said != "entered-in-error":
        return was
    if effect == "release":
        return said if was in ("on-hold", "unknown", "active") else was
    if effect == "refuse":
        return _before(current) or was
    return said


def _before(order: Json) -> str:
    return next((e["valueCode"] for e in order.get("extension", ()) if e.get("url") == BEFORE), "")


def _without_before(order: Json) -> Json:
    return {**order, "extension": [e for e in order.get("extension", ()) if e.get("url") != BEFORE]}


def _remembering(order: Json, before: str) -> Json:
    said = [{"url": BEFORE, "valueCode": before}] if before else []
    extensions = [*order.get("extension", ()), *said]
    return {**order, "extension": extensions} if extensions else {k: v for k, v in order.items() if k != "extension"}


def _named(current: Json, incoming: Json) -> Json:
    """A message that names no service or drug leaves the stored one."""
    drug = incoming.get("medicationCodeableConcept", {})
    silent = "medicationCodeableConcept" in current and not drug.get("coding")
    return {"medicationCodeableConcept": current["medicationCodeableConcept"]} if silent else {}


def _grown(current: Json, incoming: Json) -> Json:
    """Numbers and events only grow."""
    lists = {key: _union(current.get(key, []), incoming.get(key, [])) for key in _LISTS}
    return _identifiers(current, incoming) | {key: listed for key, listed in lists.items() if listed}


def _union(before: list[Json], after: list[Json]) -> list[Json]:
    return [*before, *(item for item in after if item not in before)]


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
    was, said = current["status"], incoming["status"]
    if said == "completed" and was not in _ENDED:
        return {**filled, "status": said}
    if said == "revoked" and was in ("active", "on-hold", "unknown"):
        return {**filled, "status": said}
    return {**filled, "status": said if was == "unknown" else was}
