"""
Problems and goals: added, updated, corrected, deleted; what is deleted stays so until it is said anew.

HL7 v2 table 0287; https://hl7.org/fhir/R4/valueset-condition-clinical.html
"""

from __future__ import annotations

from functools import partial

from adapters.facts import Json, Reconcile
from adapters.hl7v2.to_fhir.reconcile.moments import fill, is_older, overlay

_STATUSES = ("clinicalStatus", "verificationStatus")
# R4 con-4: what has an end has a clinical status that says so.
_END = ("abatementDateTime",)
_DELETION = ("verificationStatus", "note", "meta", "extension")
# UC says "unchanged"; LI and UN speak of links between problems and visits.
_UNCHANGED = frozenset({"UC", "LI", "UN"})


def problem(action: str) -> Reconcile:
    """The rule of a PRB with that action code."""
    return partial(_problem, action)


def _problem(action: str, current: Json | None, incoming: Json) -> Json | None:
    if current is None:
        return incoming
    if action in _UNCHANGED or is_older(current, incoming):
        return _consistent(current, fill(current, incoming))
    if action == "DE":
        told: Json = {key: incoming[key] for key in _DELETION if key in incoming}
        return _without(overlay(current, told), "clinicalStatus", *_END)
    if _deleted(current) and action != "AD":
        return None
    merged = overlay(_reopened(current, incoming), incoming)
    return _consistent(incoming, merged)


def goal(action: str) -> Reconcile:
    """The rule of a GOL with that action code."""
    return partial(_goal, action)


def _goal(action: str, current: Json | None, incoming: Json) -> Json | None:
    if current is None:
        return incoming
    if action in _UNCHANGED or is_older(current, incoming):
        return fill(current, incoming)
    if action == "DE":
        return overlay(current, {key: incoming[key] for key in ("lifecycleStatus", "meta", "extension")})
    if current["lifecycleStatus"] == "entered-in-error" and action != "AD":
        return None
    return overlay(current, incoming)


def _deleted(condition: Json) -> bool:
    codings = condition.get("verificationStatus", {}).get("coding", ())
    return any(coding.get("code") == "entered-in-error" for coding in codings)


def _reopened(current: Json, incoming: Json) -> Json:
    """What is active again has no end, and one kind of onset at a time."""
    clinical = [c["code"] for c in incoming.get("clinicalStatus", {}).get("coding", ())]
    kept = _without(current, "abatementDateTime") if clinical in (["active"], ["recurrence"], ["relapse"]) else current
    return _without(kept, "onsetDateTime", "onsetString") if any(k.startswith("onset") for k in incoming) else kept


def _consistent(said: Json, merged: Json) -> Json:
    """Both statuses are those of one statement: R4 con-5 forbids some pairs."""
    statuses = {key: said[key] for key in _STATUSES if key in said}
    if _deleted(said) or "verificationStatus" in statuses or not _deleted(merged):
        kept = _without(merged, "clinicalStatus", *_END) if _deleted(said) else merged
        return {**kept, **statuses}
    return {**_without(merged, *_STATUSES), **statuses}


def _without(resource: Json, *elements: str) -> Json:
    return {key: value for key, value in resource.items() if key not in elements}
