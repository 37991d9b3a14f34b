"""
What an AuditEvent is found by over FHIR, computed for many events at a time.

Who acts, how, and by which right is the same for thousands of events: that part is indexed once. No search parameter
of an AuditEvent looks at both parts. https://hl7.org/fhir/R4/auditevent.html#search
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache

from records.definitions import definitions
from records.search import Index, index
from records.stored import Json, decode, encode

# What an event has of its own; the rest it shares with others.
OWN = ("resourceType", "id", "recorded", "entity")


def indexed(event: Json) -> Index:
    """The same as `records.search.index`."""
    own = {name: event[name] for name in OWN if name in event}
    shared = {name: value for name, value in event.items() if name not in own or name == "resourceType"}
    text = encode(shared | {"meta": {"profile": event["meta"].get("profile", [])}})
    found = _shared(text, definitions().custom("AuditEvent"))
    rest = index(own)
    return Index((*found.keys, *rest.keys), rest.patients, rest.labels, found.sort | rest.sort)


@lru_cache(maxsize=4096)
def _shared(text: bytes, _added: Hashable) -> Index:
    return index(decode(text))
