"""
Which status a visit has after an ADT event: what was decided later holds, and an end is only taken back by A13.

HL7 v2 chapter 3.3; https://hl7.org/fhir/R4/valueset-encounter-status.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.to_fhir.reconcile.moments import AS_OF, STATUS_AS_OF, extension_value, is_older
from adapters.hl7v2.to_fhir.times import as_datetime
from adapters.hl7v2.to_fhir.visit_events import DECISIVE, LEAVES, OPENING, UNPLANS

_FORWARD = {"unknown": 0, "planned": 1, "arrived": 2, "in-progress": 3}
_GONE = frozenset({"cancelled", "entered-in-error"})


def next_status(event: str, current: Json, incoming: Json) -> str:
    """The status after `event`, whose own word is that of `incoming`."""
    was, said = str(current.get("status", "unknown")), str(incoming["status"])
    if event in DECISIVE or said == "finished":
        late = is_older(current, incoming, STATUS_AS_OF)
        return said if not late and _may(event, was, said) else was
    if was in _GONE and event in OPENING and _newer_than_status(current, incoming):
        return said
    if was in _FORWARD and said in _FORWARD:
        return said if _FORWARD[said] > _FORWARD[was] else was
    return was


def _may(event: str, was: str, said: str) -> bool:
    """Whether a decision concerns a visit in this state at all."""
    if was == "entered-in-error":
        return False
    if event in UNPLANS:
        return was in ("planned", "unknown", "cancelled")
    if event in LEAVES:
        return was not in ("finished", "cancelled")
    if event == "A13":
        return was != "cancelled"
    return said != "finished" or event == "A03" or was != "cancelled"


def _newer_than_status(current: Json, incoming: Json) -> bool:
    decided, said = as_datetime(extension_value(current, STATUS_AS_OF)), as_datetime(extension_value(incoming, AS_OF))
    return decided is None or (said is not None and said > decided)
