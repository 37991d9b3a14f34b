"""The way of a message as far as it needs no store, from header to translation; and what holds there for any bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.errors import AdapterError, NotUnderstood
from adapters.facts import Json, Translation
from adapters.hl7v2 import batch, charset
from adapters.hl7v2.ack import acknowledge
from adapters.hl7v2.header import Header
from adapters.hl7v2.message import Message
from adapters.hl7v2.parser import parse, read_header
from adapters.hl7v2.site import Site
from adapters.hl7v2.to_fhir import translate

SITE = Site("site-a", name="淄博市第一医院", authority="urn:hie:authority:A")
GB_SITE = Site("site-gb", authority="urn:hie:authority:GB", charset="GB18030")
NOW = datetime(2026, 1, 1, 4, 0, 0, tzinfo=UTC)
CONTROLS = {chr(code) for code in range(32)} - {"\t", "\n", "\r"}


@dataclass(frozen=True, slots=True)
class Journey:
    """How far the bytes came: `error` is what they were refused for."""

    header: Header | None
    message: Message | None = None
    error: AdapterError | None = None
    translation: Translation | None = None


def travel(raw: bytes, site: Site = SITE) -> Journey:
    """Go the way, and hold every station to its word. Anything but AdapterError is a fault of ours and comes out."""
    header = _header(raw)
    try:
        message = parse(raw, site=site)
    except AdapterError as error:
        _answered(header, error)
        return Journey(header, error=error)
    assert header is not None, "parsed, though intake could not have answered it"
    _answered(header, None)
    _whole(message)
    translation = translate(message, site=site, received=NOW, reference="01J0")
    assert all(_clean(fact.resource) for fact in translation.facts), "a control character in a resource"
    return Journey(header, message, None, translation)


def travel_all(raw: bytes, site: Site = SITE) -> list[Journey]:
    """The same for what may be a batch, message by message."""
    batch.findings(raw)
    return [travel(one, site) for one in batch.split(raw)]


def outcomes(journey: Journey) -> list[Json]:
    """What an empty store would keep of it."""
    facts = journey.translation.facts if journey.translation else ()
    found = (fact.reconcile(None, fact.resource) for fact in facts)
    return [outcome for outcome in found if outcome is not None]


def _header(raw: bytes) -> Header | None:
    try:
        return read_header(raw)
    except NotUnderstood:
        return None


def _answered(header: Header | None, error: AdapterError | None) -> None:
    """The answer is an acknowledgement in the sender's own character set and names its control id."""
    answer = acknowledge(header, error.acknowledgement if error else "AA", error=error, clock=lambda: NOW)
    if answer is None:
        return
    assert not any(byte < 32 and byte != 13 for byte in answer), "a control character is echoed"
    text = answer.decode(header.charset if header else "ascii")
    separator = text[3]
    msh, msa, *_ = text.split("\r")
    assert msh.split(separator)[8].startswith("ACK")
    assert msa.startswith(f"MSA{separator}")
    if header and header.control_id.isalnum():
        assert msa.split(separator)[2] == header.control_id[:250]


def _whole(message: Message) -> None:
    """The tree has every segment once and in order, and no text has a control character."""
    assert tuple(message.root.walk()) == message.segments
    texts = (
        sub
        for segment in message.segments for field in segment.fields for repetition in field
        for component in repetition for sub in component
    )  # fmt: skip
    assert not any(CONTROLS.intersection(text) for text in texts), "a control character in a text"
    assert all(finding.severity == "W" for finding in message.findings)


def _clean(value: object) -> bool:
    if isinstance(value, str):
        return not CONTROLS.intersection(value)
    if isinstance(value, dict):
        return all(map(_clean, value.values()))
    return all(map(_clean, value)) if isinstance(value, list | tuple) else True


def declared_codec(raw: bytes) -> str:
    """The codec that MSH-18 names, "" where it names none."""
    return charset.codec_of(charset.declared(raw)) or ""
