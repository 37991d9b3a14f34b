r"""
Segments as values, and values as bytes: escaped, in the receiver's separators, version and character set.

A field is a text, a tuple of components (each a text or a tuple of subcomponents), or a list of such repetitions.
HL7 v2 chapter 2.6 and 2.7
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.errors import AdapterError
from adapters.hl7v2.escape import EncodingCharacters, escape, without_controls
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.shapes import Shape, shapes
from adapters.hl7v2.grammar.structures import structure

Component = str | tuple[str, ...]
Repetition = str | tuple[Component, ...]
Field = Repetition | list[Repetition]
# MSH-10 has 20 characters until 2.6, and 199 later.
LONGEST_CONTROL_ID = 20


class NotWritable(AdapterError):
    """What is to be said cannot be said to this receiver; the text holds no health data."""


class AsSent(str):
    """Text that came in a message of the receiver and goes back to it unchanged: it is escaped already."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One segment: fields by their position, from 1."""

    name: str
    fields: Mapping[int, Field]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every message begins with: its control id and the time it was made."""

    control: str
    made: datetime
    profile: tuple[str, ...] = ()  # MSH-21
    structure: str = ""  # MSH-9.3, where a guide says so; then nothing is left out


def write(receiver: Receiver, envelope: Envelope, code: str, trigger: str, lines: Sequence[Line]) -> bytes:
    """
    The whole message; a segment that the structure has no place for in this version is left out.

    NotWritable where a character is not in the receiver's character set: a question mark in a name is worse than
    a message that an operator sees.
    """
    node = None if envelope.structure else structure(receiver.grammar, code, trigger, "").node
    placed = [line for line in lines if node is None or line.name.startswith("Z") or line.name in node.inside]
    text = "".join(_segment(receiver, line) + "\r" for line in (header(receiver, envelope, code, trigger), *placed))
    try:
        return text.encode(receiver.codec)
    except UnicodeEncodeError:
        raise NotWritable(
            "A character is not in the character set of the receiver.", location="MSH^1^18", condition="102"
        ) from None


def header(receiver: Receiver, envelope: Envelope, code: str, trigger: str) -> Line:
    """MSH."""
    named = envelope.structure or structure(receiver.grammar, code, trigger, "").name
    kind = (code, trigger, named) if receiver.since("2.3.1") else (code, trigger)
    return Line(
        "MSH",
        {
            3: receiver.sending_application,
            4: receiver.sending_facility,
            5: receiver.application,
            6: receiver.facility,
            7: envelope.made.strftime("%Y%m%d%H%M%S%z"),
            9: kind,
            10: envelope.control[:LONGEST_CONTROL_ID] if not receiver.since("2.7") else envelope.control,
            11: receiver.processing,
            12: receiver.version,
            15: receiver.accept,
            16: receiver.application_acknowledgement,
            17: receiver.country,
            18: receiver.charset if receiver.declares else "",
            21: envelope.profile or "",
        },
    )


def _segment(receiver: Receiver, line: Line) -> str:
    characters, known = receiver.characters, shapes(receiver.grammar, line.name)
    written = [_field(characters, line, at, known) for at in range(1, max(line.fields, default=0) + 1)]
    if line.name == "MSH":
        written[0:2] = [characters.encoded]
    return characters.field.join((line.name, *written)).rstrip(characters.field)


def _field(characters: EncodingCharacters, line: Line, at: int, known: Sequence[Shape | None]) -> str:
    value = line.fields.get(at, "")
    shape = known[at - 1] if at <= len(known) else None
    if not value or (known and shape is None):
        return ""
    listed = value if isinstance(value, list) else [value]
    written = [text for one in listed if (text := _repetition(characters, one, shape))]
    # Without a repetition separator there is room for one.
    most = min(shape.most if shape else len(written), len(written) if characters.repetition else 1)
    return characters.repetition.join(written[:most])


def _repetition(characters: EncodingCharacters, value: Repetition, shape: Shape | None) -> str:
    components = (value,) if isinstance(value, str) else value
    widths = shape.components if shape and not shape.open else ()
    if widths:
        components = components[: len(widths)]
    written = [_component(characters, one, widths[at] if widths else 0) for at, one in enumerate(components)]
    separator = characters.component
    return separator.join(written).rstrip(separator) if separator else written[0]


def _component(characters: EncodingCharacters, value: Component, width: int) -> str:
    parts = (value,) if isinstance(value, str) else value
    written = [text_of(part, characters) for part in (parts[:width] if width else parts)]
    separator = characters.subcomponent
    return separator.join(written).rstrip(separator) if separator else written[0]


def text_of(text: str, characters: EncodingCharacters) -> str:
    """Escaped; for a receiver without an escape character, separators become blanks."""
    if isinstance(text, AsSent):
        return without_controls(text)
    if characters.escape:
        return escape(text, characters)
    signs = characters.field + characters.encoded + "\r\n"
    return without_controls(text).translate(str.maketrans(signs, " " * len(signs)))

