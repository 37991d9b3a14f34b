"""
Results: preliminary, final, corrected, and never back; what was entered in error stays so until it is said anew.

HL7 tables 0085 and 0123; https://hl7.org/fhir/R4/valueset-observation-status.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.to_fhir.reconcile.moments import as_of, is_older

_RANK = {
    "unknown": 0,
    "registered": 0,
    "partial": 1,
    "preliminary": 1,
    "cancelled": 2,
    "final": 3,
    "amended": 4,
    "corrected": 4,
    "appended": 4,
    "entered-in-error": 5,
}
_GROWING = ("result", "specimen", "basedOn")


def accepts(current: Json, incoming: Json) -> bool:
    """True when the incoming status may follow the stored one; a tie goes to the later moment."""
    was, said = _RANK[current["status"]], _RANK[incoming["status"]]
    if current["status"] == "entered-in-error":
        return said >= _RANK["final"] and _later(current, incoming)
    if said != was:
        return said > was
    return not is_older(current, incoming)


def _later(current: Json, incoming: Json) -> bool:
    stored, arriving = as_of(current), as_of(incoming)
    return stored is None or (arriving is not None and arriving > stored)


def observation(current: Json | None, incoming: Json) -> Json | None:
    """One observation through its versions; a deletion keeps what was deleted, marked."""
    if current is None:
        return incoming
    if not accepts(current, incoming):
        return None
    if incoming["status"] == "entered-in-error":
        return _in_error(current, incoming)
    return incoming


def wrong_patient(current: Json | None, incoming: Json) -> Json | None:
    """OBX-11 W: never this patient's; marked, and taken out of the patient's record."""
    outcome = observation(current, incoming)
    if outcome is None:
        return None
    return {key: value for key, value in outcome.items() if key not in ("subject", "encounter", "basedOn")}


def _in_error(current: Json, incoming: Json) -> Json:
    said: Json = {key: incoming[key] for key in ("status", "meta", "extension") if key in incoming}
    return {**current, **said}


def report(current: Json | None, incoming: Json) -> Json | None:
    """One report through its versions: its results, specimens and orders only grow."""
    if current is None:
        return incoming
    if not accepts(current, incoming):
        return None
    grown = {
        key: _union(current.get(key, []), incoming.get(key, []))
        for key in _GROWING
        if key in current or key in incoming
    }
    kept: Json = {key: current[key] for key in ("presentedForm", "conclusion", "encounter") if key in current}
    return {**kept, **incoming, **grown}


def _union(before: list[Json], after: list[Json]) -> list[Json]:
    known = {item.get("reference") for item in before}
    return [*before, *(item for item in after if item.get("reference") not in known)]
