"""
One message as it came and as it was understood: its text, field by field, and the facts of the translation. Pure.

Translating again from the journal gives the same facts with the same ids: that is how a replay works, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from adapters.errors import AdapterError
from adapters.facts import Json, Translation
from adapters.hl7v2 import charset, parser, to_fhir
from adapters.hl7v2.message import Message, Segment
from adapters.hl7v2.site import Site
from adapters.hl7v2.to_fhir.reporting import Line, report
from hie.applications.administration.segments import field_name, segment_name, visible
from hie.exchange.inbound import InboundMessage
from hie.ui import N_
from records.stored import encode

LONGEST, SEGMENTS = 200_000, 300
PRUNED = N_("正文已按保存期限清除，不能再查看。")
_HEADERS = frozenset({"MSH", "BHS", "FHS"})


@dataclass(frozen=True, slots=True)
class Translated:
    """One resource that the message asserts."""

    type: str
    id: str
    text: str

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class FieldShown:
    """One field as sent, and what became of it: `state` and `elements` are those of the mapping report."""

    location: str
    name: str
    text: str
    state: str = ""
    elements: tuple[str, ...] = ()
    codes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SegmentShown:
    """One segment, with the fields that say something."""

    name: str
    title: str
    fields: tuple[FieldShown, ...]


@dataclass(frozen=True, slots=True)
class Original:
    """`segments` are (name, rest) of an HL7 v2 message; `text` is any other body; `codec` read it."""

    text: str
    codec: str
    segments: Sequence[tuple[str, str]] = ()
    cut: bool = False
    resources: Sequence[Translated] = ()
    subjects: tuple[str, ...] = field(default=())
    problem: str = ""
    fields: Sequence[SegmentShown] = ()
    version: str = ""


def read(message: InboundMessage, site: Site) -> Original:
    """Everything that can be said about the bytes; a broken message is shown as far as it can be read."""
    if not message.raw:
        return Original("", "", problem=PRUNED)
    if message.raw.lstrip()[:1] in (b"{", b"["):
        return _json(message.raw)
    text, codec, problem = decoded(message.raw, site)
    cut = len(text) > LONGEST
    text = text[:LONGEST]
    parsed, translation, refusal = _translated(message, site)
    lines = text.replace("\r\n", "\r").replace("\n", "\r").split("\r")
    return Original(
        text, codec, tuple((line[:3], visible(line[3:])) for line in lines if line.strip()),
        cut or (parsed is not None and len(parsed.segments) > SEGMENTS),
        [_shown(fact.resource) for fact in translation.facts], translation.subjects, problem or refusal,
        tuple(_fields(parsed, site, translation, [line for line in lines if line.strip()])) if parsed else (),
        parsed.version if parsed else "",
    )  # fmt: skip


def decoded(raw: bytes, site: Site) -> tuple[str, str, str]:
    """Text, character set, and what was wrong with it."""
    try:
        found = charset.decode(raw, default=site.charset)
    except AdapterError as error:
        return raw.decode("utf-8", "backslashreplace"), "utf-8", error.text
    return found.text, found.codec, ""


def _translated(message: InboundMessage, site: Site) -> tuple[Message | None, Translation, str]:
    parsed = None
    try:
        parsed = parser.parse(message.raw, site=site)
        return parsed, to_fhir.translate(parsed, site=site, received=message.received, reference=message.id), ""
    except AdapterError as error:
        return parsed, Translation(translated=False), error.text


def _fields(message: Message, site: Site, translation: Translation, texts: Sequence[str]) -> Iterator[SegmentShown]:
    lines = {line.location: line for line in report(message, site, translation).lines}
    whole = len(texts) == len(message.segments)
    for place, segment in enumerate(message.segments[:SEGMENTS]):
        sent = _sent(texts[place], segment) if whole else segment.raw_fields
        shown = [_field(segment.name, at, raw, lines, message.version) for at, raw in enumerate(sent, start=1) if raw]
        yield SegmentShown(segment.name, segment_name(segment.name), tuple(shown))


def _sent(text: str, segment: Segment) -> Sequence[str]:
    """The fields of the line itself, with the control characters that reading leaves out; MSH-1 is the separator."""
    separator = text[len(segment.name) : len(segment.name) + 1]
    fields = text.split(separator)[1:] if separator and text.startswith(segment.name) else []
    fields = [separator, *fields] if segment.name in _HEADERS else fields
    return fields if len(fields) == len(segment.raw_fields) else segment.raw_fields


def _field(segment: str, at: int, raw: str, lines: Mapping[str, Line], version: str) -> FieldShown:
    location = f"{segment}-{at}"
    line, name = lines.get(location), field_name(segment, at, version)
    return FieldShown(location, name, visible(raw), *((line.state, line.elements, line.codes) if line else ()))


def _shown(resource: Json) -> Translated:
    return Translated(str(resource["resourceType"]), str(resource["id"]), pretty(resource))


def pretty(resource: Json) -> str:
    """A resource as indented JSON; 1.50 stays 1.50."""
    return msgspec.json.format(encode(resource), indent=2).decode()


def _json(raw: bytes) -> Original:
    try:
        text = json.dumps(json.loads(raw), ensure_ascii=False, indent=2)
    except ValueError:
        return Original(raw.decode("utf-8", "backslashreplace")[:LONGEST], "utf-8", problem=N_("正文不是完整的 JSON。"))
    return Original(text[:LONGEST], "utf-8", cut=len(text) > LONGEST)
