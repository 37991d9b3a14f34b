"""
Text to segments: fields, repetitions, components and subcomponents as plain tuples.

HL7 v2 chapter 2.5 and 2.6
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from adapters.errors import NotUnderstood
from adapters.hl7v2.escape import EncodingCharacters, encoding_characters, unescaper, without_controls
from adapters.hl7v2.message import Field, Finding, Repetition, Segment

HEADERS = frozenset({"MSH", "FHS", "BHS"})
Splitter = Callable[[str], Field]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Segments in order, the encoding characters that divided them, and what was odd."""

    segments: tuple[Segment, ...]
    characters: EncodingCharacters
    findings: tuple[Finding, ...] = ()


def tokenize(text: str, codec: str = "utf-8") -> Tokens:
    """
    Divide a message. `codec` is for bytes in escape sequences.

    Segments end with CR, LF or CRLF. A line that begins no segment continues the one before it, so that a line end
    inside free text loses nothing. Raises NotUnderstood when there is no MSH or its separators make no sense.
    """
    body = text.lstrip("\ufeff\x0b\r\n\t ")
    if not body.startswith("MSH"):
        raise NotUnderstood("The message does not begin with MSH.", location="MSH", condition="100")
    characters = encoding_characters(body)
    clean = body if body.isprintable() else without_controls(body)
    lines, continued = _lines(clean, characters.field)
    split = splitter(characters, codec)
    segments = tuple([_segment(line, number, characters.field, split) for number, line in enumerate(lines, 1)])
    return Tokens(segments, characters, tuple(_odd(len(clean) != len(body), continued)))


def _odd(controls: bool, continued: int) -> list[Finding]:
    found = []
    if controls:
        found.append(Finding("MSH", "102", "Control characters were left out."))
    if continued:
        found.append(Finding("MSH", "100", f"{continued} lines begin no segment; read as text of the one before."))
    return found


def _lines(text: str, separator: str) -> tuple[list[str], int]:
    """Segment lines, and how many lines were put together with the one before."""
    lines: list[str] = []
    loose: list[str] = []
    continued = 0
    for line in text.replace("\r\n", "\r").replace("\n", "\r").split("\r"):
        usual = line[3:4] == separator and _names(line[:3])
        if begun := line if usual else _begun(line.strip(), separator):
            _continue(lines, loose, separator)
            lines.append(begun)
        elif line and not line.isspace():
            loose.append(line)
            continued += 1
    _continue(lines, loose, separator)
    return lines, continued


def _continue(lines: list[str], loose: list[str], separator: str) -> None:
    """Put loose lines behind the last segment."""
    if loose:
        lines[-1] += ("\n" if separator in lines[-1] else separator) + "\n".join(loose)
        loose.clear()


def _names(name: str) -> bool:
    """Three characters of a segment's name; three ideographs in front of a separator are text."""
    return name.isalnum() and name.isascii()


def _begun(line: str, separator: str) -> str:
    """The line, when it is a segment after all: with blanks in front, or without any field."""
    name = line[:3]
    if len(name) == 3 and _names(name) and (line[3:4] == separator or (len(line) == 3 and name.isupper())):
        return line
    return ""


def _segment(line: str, number: int, separator: str, split: Splitter) -> Segment:
    name = line[:3]
    raw = line.split(separator)
    if name in HEADERS:
        raw[0] = separator
        fields = (((separator,),),), (((raw[1],),),) if len(raw) > 1 else (), *map(split, raw[2:])
        return Segment(name, fields, tuple(raw), number)
    del raw[0]
    # Most fields are empty: no call for those.
    return Segment(name, tuple([split(text) if text else () for text in raw]), tuple(raw), number)


@lru_cache(maxsize=64)
def splitter(characters: EncodingCharacters, codec: str) -> Splitter:
    """A function that divides one field."""
    component, repetition = characters.component or "\x00", characters.repetition or "\x00"
    subcomponent, mark = characters.subcomponent or "\x00", characters.escape or "\x00"
    unescape = unescaper(characters, codec)

    def divide(text: str) -> Repetition:
        if subcomponent in text:
            return tuple([tuple(part.split(subcomponent)) for part in text.split(component)])
        return tuple([(part,) for part in text.split(component)])

    def divide_escaped(text: str) -> Repetition:
        return tuple([tuple(map(unescape, part.split(subcomponent))) for part in text.split(component)])

    def split(text: str) -> Field:
        if not text:
            return ()
        # Letters and digits are never separators: most fields end here.
        if text.isalnum():
            return (((text,),),)
        if mark in text:
            return tuple(map(divide_escaped, text.split(repetition)))
        if repetition in text:
            return tuple(map(divide, text.split(repetition)))
        return (divide(text),) if component in text or subcomponent in text else (((text,),),)

    return split
