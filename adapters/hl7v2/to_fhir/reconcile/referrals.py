"""
Referrals: asked, changed, cancelled, answered; an answer speaks of the referral, never of whose it is.

HL7 v2 chapter 11 (REF, RRI); https://hl7.org/fhir/R4/task.html#statemachine
"""

from __future__ import annotations

from functools import partial

from adapters.errors import NotUnderstood
from adapters.facts import Json, Reconcile
from adapters.hl7v2.to_fhir.reconcile.moments import by_key, fill, is_older, overlay

# What the answering side may tell of a referral that is not its own.
_ANSWERED = ("status", "performer", "insurance", "identifier", "supportingInfo", "meta", "extension")


def referral(reply: bool, decides: bool) -> Reconcile:
    """The rule of a message: `reply` for RRI, `decides` where it states a status."""
    return partial(_referral, reply, decides)


def _referral(reply: bool, decides: bool, current: Json | None, incoming: Json) -> Json | None:
    if current is None:
        return incoming
    if not reply and current.get("subject") != incoming.get("subject"):
        raise NotUnderstood("the referral number belongs to another patient", location="RF1^1^6", condition="205")
    said = {key: incoming[key] for key in _ANSWERED if key in incoming} if reply else incoming
    numbers = by_key(current.get("identifier", []), incoming["identifier"], lambda i: (i.get("system"), i.get("value")))
    if is_older(current, incoming):
        return {**fill(current, said), "identifier": numbers}
    merged = {**overlay(current, said), "identifier": numbers}
    return merged if decides else {**merged, "status": current["status"]}


def progress(reply: bool) -> Reconcile:
    """The rule of the Task; a referral asked again does not undo its answer."""
    return partial(_progress, reply)


def _progress(reply: bool, current: Json | None, incoming: Json) -> Json | None:
    if current is None:
        return incoming
    if is_older(current, incoming):
        return fill(current, incoming)
    said = {k: v for k, v in incoming.items() if k in ("status", "owner", "lastModified", "meta", "extension")}
    merged = overlay(current, said if reply else incoming)
    if incoming["status"] == "requested" and current["status"] != "requested":
        merged["status"] = current["status"]
    return merged
