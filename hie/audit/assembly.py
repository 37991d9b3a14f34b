"""
Events put together from pieces: who acts, how and by which right is encoded and indexed once for thousands of them.

What comes out is byte for byte the JSON of `to_resource`. Its own keys and those of its sets are the index of
`records.search`: no search parameter of an AuditEvent looks at two of the pieces.
https://hl7.org/fhir/R4/auditevent.html#search
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import NamedTuple

from hie.access.caller import Caller
from hie.audit.events import (
    Entry,
    Observer,
    asked,
    patient_entity,
    query_entity,
    request_entity,
    resource_entity,
    to_resource,
)
from hie.audit.patterns import PATTERNS
from hie.audit.pieces import MARK, Piece, Template, piece, template
from records.documents import instant
from records.search import Index, index
from records.search.key_sets import KeySet
from records.stored import Json, decode, encode

_TYPE = re.compile(r"[A-Z][A-Za-z]+")
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_NO_PIECE = Piece()
# Of an agent, its right and its membership are those of many; whoever it is, and where, is its own.
_RIGHTS = ("agent-role", "policy")
_OWN = ("address", "agent-name")


@dataclass(frozen=True, slots=True)
class Event:
    """The JSON of an event and what it is found by: keys of its own, and sets that it shares with many."""

    text: bytes
    keys: tuple[str, ...]
    sets: tuple[KeySet, ...]
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
    """The text around id, `meta.lastUpdated` and `recorded`; `keys` by what shares them, see `_sharing`."""

    texts: tuple[bytes, bytes, bytes, bytes]
    own: tuple[str, ...]
    kind: tuple[str, ...]
    sets: tuple[KeySet, ...]
    sort: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Request:
    """What the events of one request have in common: `texts` stand before the id, behind it, behind the patient."""

    texts: tuple[bytes, bytes, bytes]
    own: tuple[str, ...]
    sets: tuple[KeySet, ...]
    before: Mapping[str, str]
    behind: Mapping[str, str]


def assemble(entry: Entry, event_id: str, at: datetime, observer: Observer) -> Event:
    """The event of an entry."""
    request = _request(_facts(entry, observer), _named(entry), entry.at or at, at)
    first, middle, last = request.texts
    patient = _template("patient").fill(entry.patient) if entry.patient else _NO_PIECE
    text = b"".join((first, event_id.encode("ascii"), middle, patient.text, last))
    keys = tuple(dict.fromkeys(request.own + patient.own))
    # The first value is what is sorted by.
    return Event(text, keys, request.sets, {**request.behind, **patient.sort, **request.before})


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
    date = _dated(instant(recorded))
    own = tuple(dict.fromkeys(frame.own + subject.own + request.own + date.keys))
    kinds = frame.kind + subject.kind + (_template("patient").kind if facts.of_patient else ()) + request.kind
    sets = (_key_set(kinds), *frame.sets)
    return _Request(texts, own, sets, {**subject.sort, **frame.sort}, {**date.sort, **request.sort})


@lru_cache(maxsize=1024)
def _key_set(keys: tuple[str, ...]) -> KeySet:
    return KeySet.of(keys)


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
    kind, *agents = _parts(resource)
    resource["recorded"] = resource["meta"]["lastUpdated"] = MARK
    first, second, third, fourth = encode(resource).removesuffix(b"}").split(MARK.encode("ascii"))
    own, rights, members = _sharing(resource["agent"], agents)
    sets = tuple(_key_set(one) for one in (rights, members) if one)
    sort = {code: value for part in (*agents[::-1], kind) for code, value in part.sort.items()}
    server = agents[1].keys
    return _Frame((first, second, third, fourth), own, kind.keys + server, sets, sort)


def _parts(resource: Json) -> list[Index]:
    """What all but the entities, the moment and the agents is found by, then each agent; the agents are few."""
    fixed = {name: value for name, value in resource.items() if name not in ("id", "meta", "agent", "recorded")}
    parts: list[Json] = [{**fixed, "meta": {"profile": resource["meta"].get("profile", [])}}]
    parts += ({"resourceType": "AuditEvent", "agent": [one]} for one in resource["agent"])
    return [_part(encode(one)) for one in parts]


def _sharing(agents: Sequence[Json], found: Sequence[Index]) -> tuple[tuple[str, ...], ...]:
    """The keys of client, user and organization: those of this caller alone, of its right, of its membership."""
    own, rights, members = list[str](), list[str](), list[str]()
    for number, (agent, part) in enumerate(zip(agents, found, strict=True)):
        # The server, second of all, is the same for all events.
        for key in part.keys if number != 1 else ():
            if key.startswith(_RIGHTS):
                rights.append(key)
            elif key.startswith(_OWN) or (number and agent["requestor"]):
                own.append(key)
            else:
                members.append(key)
    return tuple(own), tuple(rights), tuple(members)


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
        return piece(entity, _of_type("Basic", versioned=False).kind)
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
