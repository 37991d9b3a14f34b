"""
JSON as text: the members of an object byte for byte, and the same object written in another way.

Written apart from the code that it checks: Python's own decoder finds where each value ends.
"""

from __future__ import annotations

import json
import re
from typing import Any

_decoder = json.JSONDecoder()
_BLANK = re.compile(r"[ \t\r\n]*")
# What the server sets itself.
SERVERS_OWN = frozenset({"id", "meta"})


def members(text: bytes) -> list[tuple[str, str]]:
    """Each top-level member as (name, everything from the blanks before its name to the end of its value)."""
    source = text.decode("utf-8")
    at = _after(source, 0, "{")
    found = []
    while True:
        begin = at
        name, at = _decoder.raw_decode(source, _skip(source, at))
        _, at = _decoder.raw_decode(source, _skip(source, _after(source, at, ":")))
        found.append((name, source[begin:at]))
        at = _skip(source, at)
        if source[at] == "}":
            return found
        at = _after(source, at, ",")


def without_own(text: bytes) -> list[tuple[str, str]]:
    """The members, but for those that the server sets."""
    return [one for one in members(text) if one[0] not in SERVERS_OWN]


def rewritten(text: bytes) -> bytes:
    """The same resource as another sender writes it: on many lines, with escapes for what is not ASCII."""
    indented = json.dumps(_exact(text), ensure_ascii=True, indent=3, separators=(" ,", " : "))
    return re.sub(r'"\\u0000([^"]+)"', r"\1", indented).replace("\n", "\r\n").encode()


def _exact(text: bytes) -> Any:
    return json.loads(text, parse_float=_marked, parse_int=_marked)


def _marked(digits: str) -> str:
    return "\0" + digits


def _after(source: str, at: int, sign: str) -> int:
    at = _skip(source, at)
    assert source[at] == sign, f"{sign} is missing"
    return at + 1


def _skip(source: str, at: int) -> int:
    found = _BLANK.match(source, at)
    return found.end() if found else at
