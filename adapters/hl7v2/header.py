"""
The cheap look at a message: enough to keep it, put it in a lane and answer it, before anything is parsed.

HL7 v2 chapter 2.15.9 (MSH); chapter 3.4 (PID, MRG)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from adapters.errors import NotUnderstood
from adapters.hl7v2 import charset
from adapters.hl7v2.escape import EncodingCharacters, encoding_characters
from adapters.hl7v2.to_fhir.identifiers import LOCAL_TYPES, is_resident_id


@dataclass(frozen=True, slots=True)
class Header:
    """
    What intake needs to know. Text is as sent, still escaped; "" where absent.

    `fields` is MSH-1 onward. `sender` is `MSH-3|MSH-4` (first components) with "|" whatever the separators;
    `type` is `ADT^A01`; `charset` a Python codec that reads and writes this header without loss; `declared` MSH-18.
    `patients`: the patient identifiers of each PID in order, then of each MRG; `mothers`: PID-21 of a newborn.
    """

    fields: tuple[str, ...]
    characters: EncodingCharacters
    charset: str
    declared: str = ""
    patients: tuple[tuple[str, ...], ...] = ()
    merged: tuple[str, ...] = ()
    mothers: tuple[str, ...] = ()

    def field(self, position: int) -> str:
        """A field as sent."""
        return self.fields[position - 1] if 0 < position <= len(self.fields) else ""

    def part(self, position: int, component: int = 1) -> str:
        """One component of the first repetition, without blanks around it."""
        repetition = _first(self.field(position), self.characters.repetition)
        return _nth(repetition, self.characters.component, component).strip()

    @property
    def sender(self) -> str:
        return f"{self.part(3)}|{self.part(4)}"

    @property
    def control_id(self) -> str:
        return self.field(10).strip()

    @property
    def code(self) -> str:
        return self.part(9)

    @property
    def trigger(self) -> str:
        return self.part(9, 2)

    @property
    def type(self) -> str:
        return f"{self.code}^{self.trigger}" if self.trigger else self.code

    @property
    def processing_id(self) -> str:
        return self.part(11)

    @property
    def version(self) -> str:
        return self.part(12)

    @property
    def accept_acknowledgement(self) -> str:
        """MSH-15: AL, NE, ER, SU or ""."""
        return self.part(15)

    @property
    def application_acknowledgement(self) -> str:
        """MSH-16: AL, NE, ER, SU or ""."""
        return self.part(16)

    @property
    def patient_keys(self) -> tuple[str, ...]:
        """Every patient identifier that could order this message: of PID-3, then MRG-1, PID-18, PID-2."""
        return tuple(dict.fromkeys(filter(None, (self.lane_key, self.other_patient_key, *_rest(self.patients)))))

    @property
    def lane_key(self) -> str:
        """
        The patient's identifier, "" when the message names none; in a merge the survivor's.

        Without its authority: one system writes it, another leaves it out, and both speak of the same patient. Two
        patients with equal numbers share a lane, which only costs time.
        """
        return self.patients[0][0] if self.patients and self.patients[0] else ""

    @property
    def other_patient_key(self) -> str:
        """The other patient of a merge, link or swap, or a newborn's mother; "" when there is none."""
        others = (*self.merged, *(keys[0] for keys in self.patients[1:] if keys), *self.mothers)
        return next((key for key in others if key != self.lane_key), "")


def _rest(patients: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    return patients[0][1:] if patients else ()


def read_header(raw: bytes) -> Header:
    """
    Read MSH, and the identifiers of PID and MRG, without looking at the rest.

    Raises NotUnderstood when the bytes do not begin with MSH or its separators make no sense; nothing else.
    """
    start = _start(raw)
    line = re.split(rb"[\r\n]", raw[start : start + charset.LONGEST_HEADER], maxsplit=1)[0]
    declared = charset.declared(line)
    codec = _codec(line, declared)
    text = line.decode(codec)
    characters = encoding_characters(text)
    fields = text.split(characters.field)
    fields[0] = characters.field
    read = _Identifiers(characters, codec)
    separator = characters.field.encode(codec)
    patients = _lines(raw, b"PID", separator)
    return Header(
        tuple(fields), characters, codec, declared,
        tuple(read.pid(found) for found in patients),
        tuple(filter(None, (read.mrg(found) for found in _lines(raw, b"MRG", separator)))),
        tuple(filter(None, (read.mother(found) for found in patients))),
    )  # fmt: skip


def _start(raw: bytes) -> int:
    begin = charset.start(raw)
    if raw[begin : begin + 3] != b"MSH":
        raise NotUnderstood("The message does not begin with MSH.", location="MSH", condition="100")
    return begin


def _codec(line: bytes, declared: str) -> str:
    """A codec that surely reads the line; the declared one, or a likely one. Intake must be able to answer anything."""
    likely = (charset.codec_of(declared) if declared else None, "utf-8", "gb18030")
    for codec in likely:
        if codec is None:
            continue
        try:
            line.decode(codec)
        except UnicodeDecodeError:
            continue
        return codec
    return "latin-1"


def _lines(raw: bytes, name: bytes, separator: bytes) -> list[bytes]:
    """Every segment of a name; CR and LF are never part of a character in the character sets that are taken."""
    if raw.find(b"\r" + name) < 0 and raw.find(b"\n" + name) < 0:
        return []
    return _pattern(name, separator).findall(raw)


@lru_cache(maxsize=64)
def _pattern(name: bytes, separator: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"[\r\n]" + name + re.escape(separator) + rb"([^\r\n]*)")


@dataclass(frozen=True, slots=True)
class _Identifiers:
    characters: EncodingCharacters
    codec: str

    def _fields(self, line: bytes) -> list[str]:
        return ["", *line.decode(self.codec, "replace").split(self.characters.field)]

    def pid(self, line: bytes) -> tuple[str, ...]:
        """PID-3, then PID-18 and PID-2; without PID-3 the order is PID-2, PID-4, PID-18."""
        fields = self._fields(line)
        at = (3, 18, 2) if len(fields) > 3 and self._number(fields[3]) else (2, 4, 18)
        return tuple(filter(None, (self._number(fields[place]) for place in at if place < len(fields))))

    def mother(self, line: bytes) -> str:
        """PID-21: a newborn's message comes after what was said of the mother before."""
        fields = self._fields(line)
        return self._number(fields[21]) if len(fields) > 21 else ""

    def mrg(self, line: bytes) -> str:
        """MRG-1, else MRG-4."""
        fields = self._fields(line)
        return next(filter(None, (self._number(fields[place]) for place in (1, 4) if place < len(fields))), "")

    def _number(self, field: str) -> str:
        """The sender's own record number among the repetitions, as the translator chooses it; else the first number."""
        if not field:
            return ""
        listed = [self._parts(repetition) for repetition in _split(field, self.characters.repetition)]
        local = [number for number, kind in listed if number and kind in LOCAL_TYPES and not is_resident_id(number)]
        return next(iter(local), next((number for number, _ in listed if number), ""))

    def _parts(self, repetition: str) -> tuple[str, str]:
        parts = _split(repetition, self.characters.component)
        return parts[0].strip(), parts[4].strip() if len(parts) > 4 else ""


def _split(text: str, separator: str) -> list[str]:
    return text.split(separator) if separator else [text]


def _first(text: str, separator: str) -> str:
    return _split(text, separator)[0]


def _nth(text: str, separator: str, position: int) -> str:
    parts = _split(text, separator)
    return parts[position - 1] if position <= len(parts) else ""
