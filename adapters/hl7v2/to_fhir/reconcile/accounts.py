"""
Accounts: opened, changed, ended; an update says nothing of whether an account is open.

HL7 v2 chapter 6 (BAR P01, P02, P05, P06); https://hl7.org/fhir/R4/valueset-account-status.html
"""

from __future__ import annotations

from functools import partial

from adapters.facts import Json, Reconcile
from adapters.hl7v2.to_fhir.reconcile.moments import (
    STATUS_AS_OF,
    extension_value,
    fill,
    is_older,
    overlay,
    stamp,
)


def account(decides: bool) -> Reconcile:
    """The rule of a message; `decides` is true where its event opens or ends the account."""
    return partial(_account, decides)


def _account(decides: bool, current: Json | None, incoming: Json) -> Json | None:
    said = stamp(incoming, extension_value(incoming, "urn:hie:as-of"), STATUS_AS_OF) if decides else incoming
    if current is None:
        return said
    older = is_older(current, said)
    merged = fill(current, said) if older else overlay(current, said)
    stands = not decides or is_older(current, said, STATUS_AS_OF)
    merged["status"] = current["status"] if stands else said["status"]
    first, second = (said, current) if older else (current, said)
    return _status_moment(merged, current if stands else said) | _period(first, second)


def _status_moment(merged: Json, decided: Json) -> Json:
    """The moment of the status that stands."""
    moment = extension_value(decided, STATUS_AS_OF)
    others = [e for e in merged.get("extension", ()) if e.get("url") != STATUS_AS_OF]
    return stamp({**merged, "extension": others}, moment, STATUS_AS_OF) if moment else {**merged, "extension": others}


def _period(under: Json, over: Json) -> Json:
    """The period of service from both."""
    period = {**under.get("servicePeriod", {}), **over.get("servicePeriod", {})}
    return {"servicePeriod": period} if period else {}
