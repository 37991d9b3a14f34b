"""
Events put together from pieces: who acts, how and by which right is encoded and indexed once for thousands of them.

What comes out is byte for byte the JSON of `to_resource`, and the index of `records.search` without its patients: no
search parameter of an AuditEvent looks at two of the pieces. https://hl7.org/fhir/R4/auditevent.html#search
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache, reduce
from typing import NamedTuple

from hie.access.caller import Caller
from hie.audit.events import (
    Entry,
    Observer,
    asked,
    instant,
    patient_entity,
    query_entity,
    request_entity,
    resource_entity,
    to_resource,
)
from hie.audit.patterns import PATTERNS
from hie.audit.pieces import MARK, Piece, Template, of_entity, template
from records.search import Index, index
from records.stored import Json, decode, encode

_TYPE = re.compile(r"[A-Z][A-Za-z]+")
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_NO_PIECE = Piece(b"", Index())


@dataclass(frozen=True, slots=True)
class Event:
    """The JSON of an event and what it is found by."""

    text: bytes
    keys: tuple[str, ...]
    sort: Mapping[str, str]


class _Facts(NamedTuple):
    """All that an event says beside its id, its moment and its entities."""

    observer: Observer
    interaction: str
    status: int
    of_patient: bool
    of_type: bool
    of_one: bool
    subject: str
    name: str
    role: str
    organization: str
    organization_name: str
    purpose: str
    client: str
    reason: str
    address: str
    reasons: tuple[str, ...]


class _Named(NamedTuple):
    """What the entities beside the patient say."""

    resource_type: str
    resource_id: str
    version: int | None
    query: str
    request_id: str


@dataclass(frozen=True, slots=True)
class _Frame:
    """The text around id, `meta.lastUpdated` and `recorded`."""

    texts: tuple[bytes, bytes, bytes, bytes]
    index: Index


@dataclass(frozen=True, slots=True)
class _Request:
    """What the events of one request have in common: `texts` stand before the id, behind it, behind the patient."""

    texts: tuple[bytes, bytes, bytes]
    before: Index
    behind: Index


def assemble(entry: Entry, event_id: str, at: datetime, observer: Observer) -> Event:
    """The event of an entry."""
    request = _request(_facts(entry, observer), _named(entry), entry.at or at, at)
    before, behind = request.before, request.behind
    first, middle, last = request.texts
    if not entry.patient:
        keys = dict.fromkeys(before.keys + behind.keys)
        return Event(first + event_id.encode("ascii") + middle + last, tuple(keys), behind.sort | before.sort)
    piece = _template("patient").fill(entry.patient)
    keys = dict.fromkeys(before.keys + piece.index.keys + behind.keys)
    text = b"".join((first, event_id.encode("ascii"), middle, piece.text, last))
    # The first value is what is sorted by.
    return Event(text, tuple(keys), {**behind.sort, **piece.index.sort, **before.sort})


def _facts(entry: Entry, observer: Observer) -> _Facts:
    caller = entry.caller
    return _Facts(
        observer, entry.interaction, entry.status, bool(entry.patient), bool(entry.resource_type),
        bool(entry.resource_id), caller.subject, caller.name, caller.role, caller.organization,
        caller.organization_name, caller.purpose, caller.client, caller.reason, entry.address, entry.reasons,
    )  # fmt: skip


def _named(entry: Entry) -> _Named:
    return _Named(entry.resource_type, entry.resource_id, entry.version, entry.query, entry.request_id)


@lru_cache(maxsize=64)
def _request(facts: _Facts, named: _Named, recorded: datetime, at: datetime) -> _Request:
    first, second, third, fourth = (frame := _frame(facts)).texts
    subject, request = _subject(facts, named), _asked_by(named)
    present = [bool(subject.text), facts.of_patient, bool(request.text)]
    opened = b',"entity":[' if any(present) else b""
    middle = [second, instant(at).encode(), third, instant(recorded).encode(), fourth, opened, subject.text]
    middle.append(b"," if subject.text and any(present[1:]) else b"")
    last = [b"," if facts.of_patient and request.text else b"", request.text, b"]}" if opened else b"}"]
    texts = first, b"".join(middle), b"".join(last)
    return _Request(texts, _joined(frame.index, subject.index), _joined(request.index, _dated(instant(recorded))))


@lru_cache(maxsize=1024)
def _frame(facts: _Facts) -> _Frame:
    caller = Caller(
        facts.subject, facts.name, facts.role, facts.organization, facts.organization_name, purpose=facts.purpose,
        client=facts.client, reason=facts.reason,
    )  # fmt: skip
    entry = Entry(
        facts.interaction, caller, "x" if facts.of_type else "", "x" if facts.of_one else "",
        patient="x" if facts.of_patient else "", status=facts.status, address=facts.address, reasons=facts.reasons,
    )  # fmt: skip
    resource = to_resource(entry, MARK, _ANY_TIME, facts.observer)
    resource.pop("entity", None)
    found = _found(resource)
    resource["recorded"] = resource["meta"]["lastUpdated"] = MARK
    first, second, third, fourth = encode(resource).removesuffix(b"}").split(MARK.encode("ascii"))
    return _Frame((first, second, third, fourth), found)


def _found(resource: Json) -> Index:
    """The index of all but the entities and the moment; who acts comes in many combinations of few agents."""
    fixed = {name: value for name, value in resource.items() if name not in ("id", "meta", "agent", "recorded")}
    parts: list[Json] = [{**fixed, "meta": {"profile": resource["meta"].get("profile", [])}}]
    parts += ({"resourceType": "AuditEvent", "agent": [one]} for one in resource["agent"])
    return reduce(_joined, [_part(encode(one)) for one in parts])


@lru_cache(maxsize=4096)
def _part(text: bytes) -> Index:
    return index(decode(text))


def _subject(facts: _Facts, named: _Named) -> Piece:
    """The resource, or the request as sent."""
    queries = PATTERNS.get(facts.interaction, PATTERNS["operation"]).queries
    if named.resource_id and not queries:
        return _resource(named)
    return _template("query").fill(asked(named.query)) if named.query else _NO_PIECE


def _resource(named: _Named) -> Piece:
    if not _TYPE.fullmatch(named.resource_type):
        entity = resource_entity(named.resource_type, named.resource_id, named.version)
        return Piece(encode(entity), of_entity(entity))
    version = "" if named.version is None else f"/_history/{named.version}"
    return _of_type(named.resource_type, versioned=bool(version)).fill(named.resource_id, version)


def _asked_by(named: _Named) -> Piece:
    return _template("request").fill(named.request_id) if named.request_id else _NO_PIECE


@cache
def _template(name: str) -> Template:
    match name:
        case "patient":
            return template(patient_entity, exact=True)
        case "query":
            return template(query_entity, exact=True)
        case _:
            return template(request_entity, exact=False)


@lru_cache(maxsize=256)
def _of_type(resource_type: str, *, versioned: bool) -> Template:
    behind = "/_history/1" if versioned else ""
    return template(lambda rest: resource_entity(resource_type, rest), exact=True, behind=behind)


def _dated(recorded: str) -> Index:
    """A moment is a span of no length: its keys are what `instant` writes, without the Z."""
    keys, sort = _one_day()
    value = recorded.removesuffix("Z")
    return Index(tuple(key + value for key in keys), (), (), dict.fromkeys(sort, value))


@cache
def _one_day() -> tuple[list[str], list[str]]:
    day = "2000-01-01T00:00:00.000"
    found = index({"resourceType": "AuditEvent", "recorded": day + "Z"})
    return [key.removesuffix(day) for key in found.keys], list(found.sort)


def _joined(first: Index, second: Index) -> Index:
    return Index(tuple(dict.fromkeys(first.keys + second.keys)), (), (), second.sort | first.sort)
