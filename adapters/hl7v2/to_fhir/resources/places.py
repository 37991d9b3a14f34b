"""
Where a message says that the patient is, was, or will be: PV1-3, 6, 11, 42 and 43, by what the trigger means.

HL7 v2 chapter 3.3 (A02, A09, A10, A15, A17); https://hl7.org/fhir/R4/valueset-encounter-location-status.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.reconcile.location_history import LEFT, MOVEMENT
from adapters.hl7v2.to_fhir.resources.locations import location
from adapters.hl7v2.to_fhir.resources.movement import Movement
from adapters.hl7v2.to_fhir.visit_events import MOVES, PLANS, STARTS

_TIMED = frozenset({"A02", "A06", "A07", "A10", "A17", "A22"})


def places(draft: Draft, pv1: Segment, move: Movement, start: str, at: str) -> list[Json]:
    """
    Encounter.location as this message alone would have it; the history is made when it meets what is stored.

    `start` is when the visit began, `at` when the event took place.
    """
    event = move.event
    if event == "A09":
        return _left(draft, pv1, at)
    if event == "A15":
        return _planned(draft, pv1)
    place = _arrived_at(draft, pv1) if event == "A10" else location(draft, pv1[3]) if event in MOVES else {}
    if not place:
        return []
    if event in PLANS:
        return [_entry(place, "planned")]
    begun = start if event in STARTS else at if event in _TIMED else ""
    return [*_prior(draft, pv1, event), _entry(place, "active", start=move.at or begun, movement=move.id)]


def _entry(place: Json, status: str, *, start: str = "", end: str = "", movement: str = "") -> Json:
    span = {key: text for key, text in (("start", start), ("end", end)) if text}
    marks = [{"url": MOVEMENT, "valueString": movement}] if movement else []
    return {"location": place, "status": status, "period": span, "extension": marks}


def _prior(draft: Draft, pv1: Segment, event: str) -> list[Json]:
    """A02 names where the patient came from (PV1-6): worth keeping when the admission was never seen."""
    place = location(draft, pv1[6]) if event == "A02" else {}
    return [_entry(place, "completed")] if place else []


def _arrived_at(draft: Draft, pv1: Segment) -> Json:
    """A temporary place (PV1-11) is where the patient arrived, if one is named."""
    return location(draft, pv1[11]) or location(draft, pv1[3])


def _left(draft: Draft, pv1: Segment, at: str) -> list[Json]:
    """A09: the place that is left (PV1-6, or PV1-43), and the one that the patient is on the way to."""
    left = location(draft, pv1[43]) or location(draft, pv1[6])
    bound_for = location(draft, pv1[11]) or (location(draft, pv1[3]) if left else {})
    if not (left or bound_for):
        left = location(draft, pv1[3])
    mark = [{"url": LEFT, "valueBoolean": True}]
    gone = [_entry(left, "completed", end=at) | {"extension": mark}] if left and at else []
    return gone + ([_entry(bound_for, "planned")] if bound_for else [])


def _planned(draft: Draft, pv1: Segment) -> list[Json]:
    """A15: PV1-42 is the place to come; senders also write it into PV1-3, with the present one in PV1-6."""
    coming = location(draft, pv1[42]) or (location(draft, pv1[3]) if pv1[6] else {})
    present = location(draft, pv1[6]) or ({} if coming and not pv1[42] else location(draft, pv1[3]))
    here = [_entry(present, "active")] if present else []
    return here + ([_entry(coming, "planned")] if coming else [])
