"""
Bytes to a message: decode, divide, group, validate. `read_header` is the cheap look that intake takes.

HL7 v2 chapter 2.6 to 2.9
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.errors import NotUnderstood, Unsupported
from adapters.hl7v2 import charset
from adapters.hl7v2.grammar.structures import needs_trigger, only_trigger, structure
from adapters.hl7v2.grammar.versions import nearest
from adapters.hl7v2.grouper import group
from adapters.hl7v2.header import Header, read_header
from adapters.hl7v2.message import Finding, Message, Segment
from adapters.hl7v2.site import Site
from adapters.hl7v2.tokenizer import tokenize
from adapters.hl7v2.validator import validate

__all__ = ["Header", "parse", "read_header"]

MISSING_FIELD = "101"
PROCESSING_IDS = frozenset({"P", "T", "D"})


def parse(raw: bytes, *, site: Site) -> Message:
    """
    A message, whatever its dialect, with findings where it departs from the grammar.

    Raises NotUnderstood (AE) for bytes that are not in their character set, a missing or senseless MSH, a missing
    type, event or control id; Unsupported (AR) for another processing id than P, T, D and for versions that are not 2.
    """
    decoded = charset.decode(raw, default=site.charset)
    tokens = tokenize(decoded.text, decoded.codec)
    kind = _kind(tokens.segments, site)
    found = structure(kind.grammar, kind.code, kind.trigger, kind.structure)
    root, misplaced = group(tokens.segments, found.name, found.node)
    remarks = tuple(Finding(charset.LOCATION, "102", remark) for remark in decoded.remarks)
    return Message(
        tokens.segments, root, kind.version, kind.code, kind.trigger, found.name, decoded.codec,
        remarks + tokens.findings + kind.findings + found.findings + misplaced
        + validate(tokens.segments, root, found.node, found.grammar),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Kind:
    """What MSH says: version as sent and of the grammar, type, event, structure as named."""

    version: str
    grammar: str
    code: str
    trigger: str
    structure: str
    findings: tuple[Finding, ...]


def _kind(segments: tuple[Segment, ...], site: Site) -> _Kind:
    header = segments[0]
    kind = header[9]
    code, sent = site.event(kind[1].strip(), kind[2].strip())
    trigger, guessed = _trigger(segments, code, sent)
    if not header.text(10).strip():
        raise NotUnderstood("The control id is missing.", location="MSH^1^10", condition=MISSING_FIELD)
    _check_processing_id(header)
    version, grammar, findings = _version(header)
    return _Kind(version, grammar, code, trigger, kind[3].strip(), guessed + findings)


def _trigger(segments: tuple[Segment, ...], code: str, trigger: str) -> tuple[str, tuple[Finding, ...]]:
    if not code:
        raise NotUnderstood("The message type is missing.", location="MSH^1^9^1", condition=MISSING_FIELD)
    if trigger or not needs_trigger(code):
        return trigger, ()
    event = next((segment.text(1).strip() for segment in segments if segment.name == "EVN"), "")
    if not (guessed := event or only_trigger(code)):
        raise NotUnderstood("The event is missing.", location="MSH^1^9^2", condition=MISSING_FIELD)
    return guessed, (Finding("MSH^1^9^2", MISSING_FIELD, "The event is missing; taken from the message."),)


def _check_processing_id(header: Segment) -> None:
    sent = header.text(11).strip()
    if sent and sent not in PROCESSING_IDS:
        raise Unsupported("The processing id is not P, T or D.", location="MSH^1^11", condition="202")


def _version(header: Segment) -> tuple[str, str, tuple[Finding, ...]]:
    sent = header.text(12).strip()
    known = nearest(sent)
    if known is None:
        raise Unsupported("Only versions 2.x are taken.", location="MSH^1^12", condition="203")
    if known == sent:
        return sent, known, ()
    return sent or known, known, (Finding("MSH^1^12", "203", f"Read by the grammar of version {known}."),)
