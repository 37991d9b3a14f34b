"""
What an AuditEvent is found by over FHIR, computed for many events at a time.

Who acts, how, and by which right is the same for thousands of events, and the request for each patient that it shows:
these parts are indexed once. No search parameter of an AuditEvent looks at two of them.
https://hl7.org/fhir/R4/auditevent.html#search
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache

from records.definitions import definitions
from records.search import Index, index
from records.stored import Json, decode, encode

# What an event has of its own.
OWN = ("id", "recorded", "entity")


def indexed(event: Json) -> Index:
    """The same as `records.search.index`."""
    added = definitions().custom("AuditEvent")
    shared = {name: value for name, value in event.items() if name not in OWN}
    parts = [_shared(encode(shared | {"meta": {"profile": event["meta"].get("profile", [])}}), added)]
    entities = ({"resourceType": "AuditEvent", "entity": [one]} for one in event.get("entity", ()))
    parts += [_shared(encode(one), added) for one in entities]
    parts.append(index({"resourceType": "AuditEvent", "recorded": event["recorded"]}))
    keys = dict.fromkeys(key for part in parts for key in part.keys)
    patients = dict.fromkeys(patient for part in parts for patient in part.patients)
    # The first value is what is sorted by.
    sort = {code: value for part in reversed(parts) for code, value in part.sort.items()}
    return Index(tuple(keys), tuple(patients), (), sort)


@lru_cache(maxsize=4096)
def _shared(text: bytes, _added: Hashable) -> Index:
    return index(decode(text))
