"""
A message as it was sent: its header, what it is about, and its resources in the sender's own bytes.

https://hl7.org/fhir/R4/messageheader.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from hie.fhir.operations.messaging.events import Event, events
from records import validation
from records.errors import Invalid, Issue, NotUnderstood, TooCostly
from records.stored import Json, decode

URN = "urn:uuid:"


class _Entry(msgspec.Struct, rename="camel"):
    full_url: str = ""
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Bundle(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    type: str = ""
    entry: list[_Entry] = []


_decoder = msgspec.json.Decoder(_Bundle)


@dataclass(frozen=True, slots=True)
class Part:
    """One entry beside the header."""

    number: int
    full_url: str
    text: bytes
    resource: Json

    @property
    def where(self) -> str:
        return f"Bundle.entry[{self.number}].resource"


@dataclass(frozen=True, slots=True)
class Header:
    """Who sent which message: enough to answer it, whatever is wrong with the rest."""

    id: str
    endpoint: str
    resource: Json


@dataclass(frozen=True, slots=True)
class Message:
    """A whole, valid message. `envelope` names this sending of it, where the sender did."""

    header: Header
    event: Event
    envelope: str
    raw: bytes
    parts: tuple[Part, ...]


def is_message(body: bytes) -> bool:
    """True for a Bundle of type message."""
    try:
        found = _decoder.decode(body)
    except msgspec.DecodeError:
        return False
    return found.resource_type == "Bundle" and found.type == "message"


def read_header(raw: bytes) -> Header:
    """The header; NotUnderstood or Invalid where there is none to answer to."""
    bundle = validation.parse(raw)
    if bundle["resourceType"] != "Bundle" or bundle.get("type") != "message":
        raise Invalid("A message is a Bundle of type message.", status=400)
    first = (bundle.get("entry") or [{}])[0]
    header = first.get("resource", {}) if isinstance(first, dict) else {}
    if not isinstance(header, dict) or header.get("resourceType") != "MessageHeader":
        raise Invalid("A message begins with a MessageHeader.", status=400)
    source = header.get("source")
    endpoint = source.get("endpoint") if isinstance(source, dict) else None
    full = first.get("fullUrl")
    identity = header.get("id") or (full.removeprefix(URN) if isinstance(full, str) and full.startswith(URN) else None)
    if not isinstance(identity, str) or not isinstance(endpoint, str) or not identity or not endpoint:
        raise Invalid("A message needs MessageHeader.id and MessageHeader.source.endpoint to be answered.", status=400)
    return Header(identity, endpoint, header)


def read_message(raw: bytes, header: Header, today: date, most: int) -> Message:
    """The whole message; Invalid with every place that is wrong."""
    bundle = validation.parse(raw)
    if len(bundle["entry"]) > most:
        raise TooCostly(f"A message may have {most} entries.")
    validation.check(bundle)
    if "response" in header.resource:
        raise Invalid("This exchange waits for no response: it sent no such message.")
    event = _event(header.resource, today)
    parts = _parts(raw)
    _check_types(event, parts)
    _check_focus(event, header.resource, parts)
    return Message(header, event, _envelope(bundle), raw, parts)


def _envelope(bundle: Json) -> str:
    identifier = bundle.get("identifier", {})
    return f"{identifier.get('system', '')}|{identifier['value']}" if identifier.get("value") else ""


def _event(header: Json, today: date) -> Event:
    coding = header.get("eventCoding", {})
    known = events(today).events
    found = known.get((str(coding.get("system", "")), str(coding.get("code", ""))))
    if found is None:
        codes = ", ".join(code for _, code in known)
        raise Invalid(
            f"The event is none of this exchange; eventCoding is one of {codes}.",
            issues=[Issue("MessageHeader.event", f"The event is one of {codes}.", "not-supported")],
        )
    return found


def _parts(raw: bytes) -> tuple[Part, ...]:
    try:
        entries = _decoder.decode(raw).entry
    except msgspec.ValidationError as error:
        raise NotUnderstood("The body is not a Bundle as FHIR defines it.") from error
    return tuple(
        Part(number, one.full_url, bytes(one.resource), decode(bytes(one.resource)))
        for number, one in enumerate(entries)
        if number > 0
    )


def _check_types(event: Event, parts: Sequence[Part]) -> None:
    taken = event.owns | event.supporting
    wrong = [
        Issue(part.where, f"A message {event.code} carries no {part.resource['resourceType']}.", "not-supported")
        for part in parts
        if part.resource["resourceType"] not in taken
    ]
    if wrong:
        raise Invalid("The message carries what its event does not.", issues=wrong)


def _check_focus(event: Event, header: Json, parts: Sequence[Part]) -> None:
    focus = focus_of(header, parts)
    listed = header.get("focus", ())
    if len(focus) != len(listed) or len(focus) < event.least:
        text = f"MessageHeader.focus of {event.code} names {event.least} or more resources of the message."
        raise Invalid(text, issues=[Issue("MessageHeader.focus", text)])
    for part in focus:
        if part.resource["resourceType"] not in event.focus:
            text = f"The focus of {event.code} is {' or '.join(sorted(event.focus))}."
            raise Invalid(text, issues=[Issue("MessageHeader.focus", text)])
        if event.status and part.resource.get("status") not in event.status:
            text = f"The status of the focus of {event.code} is {' or '.join(sorted(event.status))}."
            raise Invalid(text, issues=[Issue(f"{part.where}.status", text)])


def focus_of(header: Json, parts: Sequence[Part]) -> list[Part]:
    """The parts that the header points at, in its order."""
    named = {name: part for part in reversed(parts) for name in names(part)}
    literals = dict.fromkeys(str(one.get("reference", "")) for one in header.get("focus", ()))
    return [named[literal] for literal in literals if literal in named]


def names(part: Part) -> tuple[str, ...]:
    """The references by which other entries may speak of it."""
    resource, full = part.resource, part.full_url
    own = [f"{resource['resourceType']}/{resource['id']}"] if resource.get("id") else []
    if full and not full.startswith("urn:"):
        own.append("/".join(full.rsplit("/", 2)[-2:]))
    return tuple(dict.fromkeys([*([full] if full else []), *own]))
