"""
Strict JSON: what two readers could understand differently is refused.

https://hl7.org/fhir/R4/json.html, https://www.rfc-editor.org/rfc/rfc8259
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from records.errors import NotUnderstood
from records.stored import Json, encode

DEEPEST = 100
LONGEST_NUMBER = 1000
LARGEST_EXPONENT = 400
# A control character can only be in JSON as an escape; one that follows an even number of backslashes.
_ESCAPE = re.compile(rb"\\(?:[bf]|u00[01])")
_CONTROL = re.compile(rb"(?<!\\)(?:\\\\)*\\(?:[bf]|u00(?:0[0-8bBcCeEfF]|1[0-9a-fA-F]))")
_PLAIN_NUMBER = 40


def read_json(body: bytes) -> Any:
    """The decoded JSON, decimals as Decimal; NotUnderstood where it is not strict JSON in UTF-8."""
    if body.startswith(b"\xef\xbb\xbf"):
        raise NotUnderstood("The body begins with a byte order mark; JSON has none.")
    decoded = _decode(body)
    if _ESCAPE.search(body) and _CONTROL.search(body):
        raise NotUnderstood("The body holds a control character; only tab, line feed and carriage return may be.")
    if body.count(b"{") + body.count(b"[") > DEEPEST and _too_deep(decoded):
        raise NotUnderstood(f"The body is nested deeper than {DEEPEST} levels.")
    _refuse_repeated_keys(body, decoded)
    return decoded


def parse(body: bytes) -> Json:
    """The same, where it must be a resource: an object with a resourceType."""
    decoded = read_json(body)
    if not isinstance(decoded, dict):
        raise NotUnderstood("The body is JSON, but a resource is an object.")
    if not isinstance(decoded.get("resourceType"), str):
        raise NotUnderstood("A resource names its resourceType.")
    return decoded


def _decode(body: bytes) -> Any:
    try:
        return _decoder.decode(body)
    except UnicodeDecodeError as error:
        raise NotUnderstood("The body is not UTF-8.") from error
    except RecursionError as error:
        raise NotUnderstood(f"The body is nested deeper than {DEEPEST} levels.") from error
    except msgspec.MsgspecError as error:
        # msgspec tells the place by its byte and never shows the content.
        raise NotUnderstood(f"The body is not JSON: {error}.") from error


def _number(text: str) -> Decimal:
    if len(text) > _PLAIN_NUMBER or "e" in text or "E" in text:
        return _unusual(text)
    return Decimal(text)


def _unusual(text: str) -> Decimal:
    if len(text) > LONGEST_NUMBER:
        raise NotUnderstood("The body holds a number of more digits than any quantity has.")
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise NotUnderstood("The body holds a number whose exponent is out of range.") from error
    if abs(int(number.as_tuple().exponent)) > LARGEST_EXPONENT:
        raise NotUnderstood("The body holds a number whose exponent is out of range.")
    return number


_decoder = msgspec.json.Decoder(float_hook=_number)


def _too_deep(decoded: Any) -> bool:
    level = [decoded]
    for _ in range(DEEPEST):
        level = [
            value
            for one in level
            for value in (one.values() if type(one) is dict else one)
            if type(value) is dict or type(value) is list
        ]
        if not level:
            return False
    return True


def _refuse_repeated_keys(body: bytes, decoded: Any) -> None:
    # Written out again, it is the same text only if the decoder lost nothing. Where the sender writes numbers or
    # letters in another way the texts differ, and a slower reader looks at each object.
    again = encode(decoded)
    if again == body or again == msgspec.json.format(body, indent=-1):
        return
    json.loads(body, object_pairs_hook=_unique, parse_float=str, parse_int=str)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise NotUnderstood("The body has an object that names a property twice.")
