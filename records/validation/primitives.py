"""
Is this JSON value one of that primitive type? One predicate a type.

They are the regular expressions of the specification, without those parts that take exponential time, and with a
calendar. https://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

Test = Callable[[Any], bool]
LONGEST_STRING = 1024 * 1024
LARGEST_INTEGER = 2**31 - 1

_YEAR = r"(?!0000)[0-9]{4}"
_MONTH = r"(?:0[1-9]|1[0-2])"
_DAY = r"(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def matches(pattern: str) -> Test:
    """A text that is this pattern as a whole; white space is ASCII's, so that U+3000 is a letter like any other."""
    found = re.compile(pattern, re.ASCII).fullmatch
    return lambda value: type(value) is str and found(value) is not None


def _calendar(pattern: str) -> Test:
    found = re.compile(pattern, re.ASCII).fullmatch

    def test(value: Any) -> bool:
        return type(value) is str and found(value) is not None and (len(value) < 10 or _exists(value[:10]))

    return test


def _exists(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


def _string(value: Any) -> bool:
    return type(value) is str and 0 < len(value) <= LONGEST_STRING and _CONTROL(value) is None


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]").search


def _integer(least: int) -> Test:
    return lambda value: type(value) is int and least <= value <= LARGEST_INTEGER


def _decimal(value: Any) -> bool:
    kind = type(value)
    if kind is Decimal:
        return bool(value.is_finite())
    return kind is int or (kind is float and value - value == 0)


def _base64(value: Any) -> bool:
    if type(value) is not str or not value:
        return False
    try:
        binascii.a2b_base64("".join(value.split()), strict_mode=True)
    except ValueError:
        return False
    return True


TESTS: dict[str, Test] = {
    "base64Binary": _base64,
    "boolean": lambda value: value is True or value is False,
    "canonical": matches(r"\S+"),
    "code": matches(r"[^\s]+(?:\s[^\s]+)*"),
    "date": _calendar(f"{_YEAR}(?:-{_MONTH}(?:-{_DAY})?)?"),
    "dateTime": _calendar(f"{_YEAR}(?:-{_MONTH}(?:-{_DAY}(?:T{_TIME}{_ZONE})?)?)?"),
    "decimal": _decimal,
    "id": matches(r"[A-Za-z0-9\-.]{1,64}"),
    "instant": _calendar(f"{_YEAR}-{_MONTH}-{_DAY}T{_TIME}{_ZONE}"),
    "integer": _integer(-LARGEST_INTEGER - 1),
    "markdown": _string,
    "oid": matches(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+"),
    "positiveInt": _integer(1),
    "string": _string,
    "time": matches(_TIME),
    "unsignedInt": _integer(0),
    "uri": matches(r"\S+"),
    "url": matches(r"\S+"),
    "uuid": matches(f"urn:uuid:{_UUID}"),
}
