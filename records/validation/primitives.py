"""
Primitive types: their JSON type, their form, and days that the calendar has.

https://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from records.validation.narrative import is_safe

Check = Callable[[Any], bool]
LONGEST = 1024 * 1024
MOST_INTEGER = 2**31

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_CODE = re.compile(r"[^\s]+(?:[ ][^\s]+)*")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_URI = re.compile(r"\S+")
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_DATE = re.compile(r"(?!0000)([0-9]{4})(?:-(0[1-9]|1[0-2])(?:-([0-2][0-9]|3[01]))?)?")
_DATE_TIME = re.compile(rf"(?!0000)([0-9]{{4}})(?:-(0[1-9]|1[0-2])(?:-([0-2][0-9]|3[01])(?:T{_CLOCK}{_ZONE})?)?)?")
_INSTANT = re.compile(rf"(?!0000)([0-9]{{4}})-(0[1-9]|1[0-2])-([0-2][0-9]|3[01])T{_CLOCK}{_ZONE}")
_TIME = re.compile(_CLOCK)
_SPACES = re.compile(r"\s+")


def _text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST and not _CONTROL.search(value)


def _matching(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _calendar(pattern: re.Pattern[str]) -> Check:
    def check(value: Any) -> bool:
        found = pattern.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            return False
        if found[3] is None:
            return True
        try:
            date(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            return False
        return True

    return check


def _whole(low: int) -> Check:
    return lambda value: type(value) is int and low <= value < MOST_INTEGER


def _decimal(value: Any) -> bool:
    return type(value) is int or (isinstance(value, Decimal) and value.is_finite()) or isinstance(value, float)


def _base64(value: Any) -> bool:
    if not isinstance(value, str) or not value:
        return False
    try:
        binascii.a2b_base64(_SPACES.sub("", value), strict_mode=True)
    except ValueError:
        return False
    return True


CHECKS: dict[str, Check] = {
    "boolean": lambda value: isinstance(value, bool),
    "string": _text,
    "markdown": _text,
    "code": _matching(_CODE),
    "id": _matching(_ID),
    "uri": _matching(_URI),
    "url": _matching(_URI),
    "canonical": _matching(_URI),
    "oid": _matching(_OID),
    "uuid": _matching(_UUID),
    "date": _calendar(_DATE),
    "dateTime": _calendar(_DATE_TIME),
    "instant": _calendar(_INSTANT),
    "time": _matching(_TIME),
    "integer": _whole(-MOST_INTEGER),
    "unsignedInt": _whole(0),
    "positiveInt": _whole(1),
    "decimal": _decimal,
    "base64Binary": _base64,
    "xhtml": is_safe,
}
