"""
Text and whole numbers as FHIR takes them.

https://hl7.org/fhir/R4/datatypes.html#string
"""

from __future__ import annotations

from adapters.hl7v2.message import Segment

_LARGEST = 2_147_483_647  # FHIR integers have 32 bits


def clean(text: str) -> str:
    """Without blanks around it, and without NUL, which is never stored."""
    return (text.replace("\x00", "") if "\x00" in text else text).strip()


def whole_lines(segment: Segment, field: int) -> list[str]:
    """A free-text field read whole: a stray `^` or `&` is text, repetitions are lines."""
    if not 0 < field <= len(segment.fields):
        return []
    return ["^".join(["&".join(component) for component in repetition]) for repetition in segment.fields[field - 1]]


def whole_text(segment: Segment, field: int) -> str:
    """The same in one text."""
    return "\n".join(whole_lines(segment, field)).strip()


def whole(text: str, *, least: int = 0) -> int | None:
    """A whole number of at least `least`, None when the text is none."""
    written = text.strip()
    if not written.isdecimal() or len(written) > 10:
        return None
    number = int(written)
    return number if least <= number <= _LARGEST else None
