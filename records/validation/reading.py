"""
Strict JSON: what two readers could understand differently is not taken.

https://hl7.org/fhir/R4/json.html, https://www.rfc-editor.org/rfc/rfc7493
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from records.errors import NotUnderstood
from records.stored import Json

MOST_LEVELS = 100
LONGEST_NUMBER = 200
MOST_MAGNITUDE = 400
_NAME = re.compile(rb'"[ \t\r\n]*:')


def parse(body: bytes) -> Json:
    """A resource out of its JSON, decimals as Decimal; NotUnderstood where it is none."""
    found = read_json(body)
    if not isinstance(found, dict):
        raise NotUnderstood("A resource is a JSON object.")
    if not isinstance(found.get("resourceType"), str):
        raise NotUnderstood("A resource names its resourceType.")
    return found


def read_json(body: bytes) -> Any:
    """Any JSON; NotUnderstood where it is broken, ambiguous, too deep, or not UTF-8."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotUnderstood(f"The body is not UTF-8 at byte {error.start}.") from error
    try:
        found = _decoder.decode(body)
    except msgspec.DecodeError as error:
        raise NotUnderstood(f"The body is not JSON: {_reason(error)}.") from error
    except RecursionError as error:
        raise NotUnderstood(f"The body is nested more than {MOST_LEVELS} levels deep.") from error
    _refuse_depth(found)
    _refuse_doubles(body, found)
    return found


def _number(text: str) -> Decimal:
    value = Decimal(text) if len(text) <= LONGEST_NUMBER else None
    if value is None or abs(value.adjusted()) > MOST_MAGNITUDE:
        raise NotUnderstood("A number is longer or larger than this server takes.")
    return value


_decoder = msgspec.json.Decoder(float_hook=_number)


def _reason(error: msgspec.DecodeError) -> str:
    # Its text names a place and a rule; what stands there is not in it.
    return str(error).removeprefix("JSON is malformed: ").rstrip(".")


def _refuse_depth(found: Any) -> None:
    level = [found]
    for _ in range(MOST_LEVELS + 1):
        level = [one for inner in level for one in _inside(inner) if isinstance(one, dict | list)]
        if not level:
            return
    raise NotUnderstood(f"The body is nested more than {MOST_LEVELS} levels deep.")


def _inside(value: Any) -> Sequence[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()


def _refuse_doubles(body: bytes, found: Any) -> None:
    """Names that come twice in one object: counted first, looked for only where the counts differ."""
    if b"\\u0022" not in body and len(_NAME.findall(body)) == len(_NAME.findall(_encoder.encode(found))):
        return
    json.loads(body, object_pairs_hook=_unique)


_encoder = msgspec.json.Encoder(decimal_format="number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotUnderstood("An object has a member twice.")
    return found
