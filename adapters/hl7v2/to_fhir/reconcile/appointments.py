"""
Appointments: booked, moved, cancelled, missed; an older booking revives nothing.

HL7 v2 chapter 10; https://hl7.org/fhir/R4/valueset-appointmentstatus.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.to_fhir.reconcile.moments import fill, is_older, overlay

# R4 app-3: only these may stand without a time.
_TIMELESS = frozenset({"proposed", "cancelled", "waitlist"})
_TIME = frozenset({"start", "end"})
_PARTIAL = frozenset({"cancelled", "noshow", "entered-in-error"})


def booking(current: Json | None, incoming: Json) -> Json | None:
    """The later statement stands; a cancellation keeps the time that was booked."""
    if current is None:
        return _timed(incoming)
    if is_older(current, incoming):
        # An older cancellation gives no reason to a booking that stands.
        return _timed(fill(current, {k: v for k, v in incoming.items() if "start" in current or k not in _TIME}))
    merged = overlay(current, incoming)
    if incoming["status"] in _PARTIAL and len(incoming.get("participant", [])) < len(current.get("participant", [])):
        merged["participant"] = current["participant"]
    return _timed(merged)


def _timed(appointment: Json) -> Json:
    """
    Without a time a booking is a proposal, and a missed or deleted one can only be called cancelled.

    A reason stands only beside what was cancelled or missed (R4 app-4).
    """
    timed = dict(appointment)
    if "start" not in timed and timed["status"] not in _TIMELESS:
        timed["status"] = "cancelled" if timed["status"] in _PARTIAL else "proposed"
    if timed["status"] not in ("cancelled", "noshow"):
        timed.pop("cancelationReason", None)
    return timed
