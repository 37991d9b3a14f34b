"""
Results: preliminary, final, corrected, and never back; what was entered in error stays so until it is said anew.

HL7 tables 0085 and 0123; https://hl7.org/fhir/R4/valueset-observation-status.html
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from adapters.facts import Json, Reconcile
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
# What ties a result to a patient's record.
OF_PATIENT = frozenset({"subject", "encounter", "basedOn", "partOf", "specimen", "derivedFrom", "hasMember"})
_CONTENT = frozenset({"result", "presentedForm", "conclusion", "conclusionCode"})


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


def observation(current: Json | None, incoming: Json, *, merge_components: bool = False) -> Json | None:
    """
    One observation through its versions; a deletion keeps what was deleted, marked.

    `merge_components`: the message may hold only some of them, and the others stay.
    """
    if current is None:
        return incoming
    if not accepts(current, incoming):
        return None
    if incoming["status"] == "entered-in-error":
        return _in_error(current, incoming)
    kept: Json = {"hasMember": members} if (members := _members(current, incoming)) else {}
    if merge_components:
        kept["component"] = _components(current.get("component", []), incoming.get("component", []))
    return {**incoming, **kept}


def _members(current: Json, incoming: Json) -> list[Json]:
    return _union(current.get("hasMember", []), incoming.get("hasMember", []))


def _components(before: list[Json], after: list[Json]) -> list[Json]:
    said = [_code(one) for one in after]
    return sorted([*(one for one in before if _code(one) not in said), *after], key=_code)


def _code(component: Json) -> str:
    return str(
        next((c.get("code", "") for c in component["code"].get("coding", ())), component["code"].get("text", ""))
    )


def wrong_patient(current: Json | None, incoming: Json) -> Json | None:
    """OBX-11 W: never this patient's; marked, and taken out of the patient's record."""
    outcome = observation(current, incoming)
    if outcome is None:
        return None
    return {key: value for key, value in outcome.items() if key not in OF_PATIENT}


def parent(current: Json | None, incoming: Json) -> Json | None:
    """The culture that susceptibilities belong to lists them, if it is here and still stands."""
    if current is None or current["status"] == "entered-in-error":
        return None
    return {**current, "hasMember": _members(current, incoming)}


def _in_error(current: Json, incoming: Json) -> Json:
    said: Json = {key: incoming[key] for key in ("status", "meta", "extension") if key in incoming}
    return {**current, **said}


def reported(removed: Collection[str], *, void: bool = False, forms: Collection[str] = ()) -> Reconcile:
    """
    The rule of a report.

    `removed` are results that are not this patient's, `forms` the titles of documents that no longer stand; `void`:
    all that the message has is another patient's, and when nothing else is left either, the whole report was.
    """
    return partial(_report, frozenset(removed), void, frozenset(forms))


def _report(
    removed: Collection[str], void: bool, forms: Collection[str], current: Json | None, incoming: Json
) -> Json | None:
    outcome = report(current, incoming)
    # What was taken back goes, also where the report's own status would not let the message change it.
    stored = outcome if outcome is not None else current if removed or forms or void else None
    if stored is None:
        return None
    left = {
        "result": [one for one in stored.get("result", []) if one.get("reference") not in removed],
        "presentedForm": [one for one in stored.get("presentedForm", []) if one.get("title") not in forms],
    }
    others = {key: kept for key, kept in stored.items() if key not in left}
    if void and not any(left.values()):
        gone = OF_PATIENT | _CONTENT
        return {key: kept for key, kept in others.items() if key not in gone} | {"status": "entered-in-error"}
    return others | {key: kept for key, kept in left.items() if kept}


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
