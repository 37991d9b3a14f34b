"""
A text as a primitive of FHIR, None when it is none.

https://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from adapters.hl7v2.mapping.scope import Times

Primitive = Callable[[str, Times], Any]
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)")
_TIME = re.compile(r"(\d\d):?(\d\d)?:?(\d\d)?(\.\d{1,9})?(?:[+-]\d{4})?")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_LARGEST = 2_147_483_647


def _string(text: str, _times: Times) -> str | None:
    return text.replace("\x00", "").strip() or None


def _code(text: str, _times: Times) -> str | None:
    return " ".join(text.replace("\x00", "").split()) or None


def _uri(text: str, _times: Times) -> str | None:
    written = text.strip()
    return written if written and not any(letter.isspace() for letter in written) else None


def _boolean(text: str, _times: Times) -> bool | None:
    return {"Y": True, "TRUE": True, "N": False, "FALSE": False}.get(text.strip().upper())


def _whole(least: int) -> Primitive:
    def whole(text: str, _times: Times) -> int | None:
        written = text.strip().lstrip("+")
        if not re.fullmatch(r"-?\d{1,10}", written):
            return None
        number = int(written)
        return number if least <= number <= _LARGEST else None

    return whole


def _decimal(text: str, _times: Times) -> Decimal | None:
    written = text.strip()
    return Decimal(written.rstrip(".")) if len(written) <= 40 and _DECIMAL.fullmatch(written) else None


def _time(text: str, _times: Times) -> str | None:
    match = _TIME.fullmatch(text.strip())
    if match is None or int(match[1]) > 23 or int(match[2] or 0) > 59 or int(match[3] or 0) > 59:
        return None
    return f"{match[1]}:{match[2] or '00'}:{match[3] or '00'}{match[4] or ''}"


def _data(text: str, _times: Times) -> str | None:
    return text if text and _BASE64.fullmatch(text) else None


PRIMITIVES: dict[str, Primitive] = {
    "string": _string, "markdown": _string, "xhtml": _string, "id": _code, "code": _code,
    "uri": _uri, "url": _uri, "canonical": _uri, "oid": _uri, "uuid": _uri,
    "boolean": _boolean, "integer": _whole(-_LARGEST), "unsignedInt": _whole(0), "positiveInt": _whole(1),
    "decimal": _decimal, "time": _time, "base64Binary": _data,
    "date": lambda text, times: times.date(text) or None,
    "dateTime": lambda text, times: times.date_time(text) or None,
    "instant": lambda text, times: times.instant(text) or None,
}  # fmt: skip
