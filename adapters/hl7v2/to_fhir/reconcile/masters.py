"""
Entries of master files: the registry says what it says, the newest word stands, and an event alone changes no more
than whether the entry is active.

HL7 v2 table 0180
"""

from __future__ import annotations

from functools import partial

from adapters.facts import Json, Reconcile
from adapters.hl7v2.to_fhir.reconcile.moments import by_key, fill, is_older, overlay

_STATES = ("active", "status", "meta", "extension")
_ONLY_STATE = frozenset({"MDC", "MDL", "MAC"})


def entry(action: str) -> Reconcile:
    """The rule of an entry; MFE-1 is `action`."""
    return partial(_entry, action)


def entry_if_known(action: str) -> Reconcile:
    """The same, for a record that another number may have brought about: it is told, never made."""
    return partial(_known, action)


def _known(action: str, current: Json | None, incoming: Json) -> Json | None:
    return None if current is None else _entry(action, current, incoming)


def _entry(action: str, current: Json | None, incoming: Json) -> Json | None:
    if current is None:
        return incoming
    if is_older(current, incoming):
        return fill(current, incoming)
    said = incoming
    if action in _ONLY_STATE:
        # A deletion carries a bare key: what is known of the entry stays.
        said = {key: value for key, value in incoming.items() if key not in current or key in _STATES}
    merged = overlay(current, said)
    if numbers := by_key(current.get("identifier", []), incoming.get("identifier", []), _number):
        merged["identifier"] = numbers
    return merged


def _number(identifier: Json) -> object:
    return identifier.get("system"), identifier.get("value")
