"""
One message as it came and as it was understood: text of the bytes, and the facts of the translation. Pure.

Translating again from the journal gives the same facts with the same ids: that is how a replay works, too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.errors import AdapterError
from adapters.facts import Json, Translation
from adapters.hl7v2 import charset, parser, to_fhir
from adapters.hl7v2.site import Site
from hie.exchange.inbound import InboundMessage
from hie.ui import N_
from records.stored import encode

LONGEST = 200_000


@dataclass(frozen=True, slots=True)
class Translated:
    """One resource that the message asserts."""

    type: str
    id: str
    text: str


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


def read(message: InboundMessage, site: Site) -> Original:
    """Everything that can be said about the bytes; a broken message is shown as far as it can be read."""
    if message.raw.lstrip()[:1] in (b"{", b"["):
        return _json(message.raw)
    text, codec, problem = _decoded(message.raw, site)
    cut = len(text) > LONGEST
    text = text[:LONGEST]
    translation, refusal = _translated(message, site)
    return Original(
        text, codec, tuple((line[:3], line[3:]) for line in text.replace("\n", "\r").split("\r") if line.strip()), cut,
        [_shown(fact.resource) for fact in translation.facts], translation.subjects, problem or refusal,
    )  # fmt: skip


def _decoded(raw: bytes, site: Site) -> tuple[str, str, str]:
    try:
        decoded = charset.decode(raw, default=site.charset)
    except AdapterError as error:
        return raw.decode("utf-8", "backslashreplace"), "utf-8", error.text
    return decoded.text, decoded.codec, ""


def _translated(message: InboundMessage, site: Site) -> tuple[Translation, str]:
    try:
        parsed = parser.parse(message.raw, site=site)
        return to_fhir.translate(parsed, site=site, received=message.received, reference=message.id), ""
    except AdapterError as error:
        return Translation(translated=False), error.text


def _shown(resource: Json) -> Translated:
    text = json.dumps(json.loads(encode(resource)), ensure_ascii=False, indent=2)
    return Translated(str(resource["resourceType"]), str(resource["id"]), text)


def _json(raw: bytes) -> Original:
    try:
        text = json.dumps(json.loads(raw), ensure_ascii=False, indent=2)
    except ValueError:
        return Original(raw.decode("utf-8", "backslashreplace")[:LONGEST], "utf-8", problem=N_("正文不是完整的 JSON。"))
    return Original(text[:LONGEST], "utf-8", cut=len(text) > LONGEST)
