"""
`""`, the order to delete: noted once, so that no translator ever takes it for text.

HL7 v2 chapter 2.5.3
"""

from __future__ import annotations

from dataclasses import replace

from adapters.hl7v2.message import NULL, Field, Message, Segment


def without_nulls(message: Message) -> tuple[Message, frozenset[tuple[int, int]]]:
    """The message with nulls read as absence, and where whole fields were null: (segment number, field)."""
    if not any(_has_null(segment) for segment in message.segments):
        return message, frozenset()
    nulls = {(s.number, at) for s in message.segments for at, value in enumerate(s.fields, start=1) if _is_null(value)}
    return replace(message, segments=tuple(map(_cleaned, message.segments))), frozenset(nulls)


def _has_null(segment: Segment) -> bool:
    if segment.raw_fields:
        return any(NULL in text for text in segment.raw_fields)
    return any(NULL in component for field in segment.fields for repetition in field for component in repetition)


def _is_null(field: Field) -> bool:
    return field == (((NULL,),),)


def _cleaned(segment: Segment) -> Segment:
    if not _has_null(segment):
        return segment
    return replace(segment, fields=tuple(map(_without, segment.fields)))


def _without(field: Field) -> Field:
    return tuple(
        tuple(tuple("" if sub == NULL else sub for sub in component) for component in repetition)
        for repetition in field
    )
