"""
References inside a transaction: from the names its entries gave each other to the ids the server gave.

The text is changed in place, so that all the rest stays to the byte.
https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from hie.fhir.call import Call, split_url
from hie.fhir.conditions import matches
from records.errors import PreconditionFailed

# A value may have escapes: many writers of JSON put a backslash before every slash.
_REFERENCE = re.compile(rb'("(?:reference|url|uri)"\s*:\s*)("(?:[^"\\]|\\.)+")')
_CONDITIONAL = re.compile(rb'("reference"\s*:\s*)("[A-Z][A-Za-z]+\?(?:[^"\\]|\\.)+")')


def rewrite(text: bytes, known: Mapping[str, str]) -> bytes:
    """Replace every reference, url and uri that names an entry by `Type/id`."""

    def replace(found: re.Match[bytes]) -> bytes:
        name, hash_sign, fragment = _value(found).partition("#")
        target = known.get(name)
        return found[0] if target is None else found[1] + msgspec.json.encode(target + hash_sign + fragment)

    return _REFERENCE.sub(replace, text)


async def resolve_conditional(call: Call, text: bytes, known: dict[str, str]) -> bytes:
    """Replace references such as `Practitioner?identifier=a|b` by the one resource they select."""
    wanted = {_value(found) for found in _CONDITIONAL.finditer(text)}
    for condition in wanted - known.keys():
        known[condition] = await _select(call, condition)
    if not wanted:
        return text
    return _CONDITIONAL.sub(lambda found: found[1] + msgspec.json.encode(known[_value(found)]), text)


def _value(found: re.Match[bytes]) -> str:
    return msgspec.json.decode(found[2], type=str)


async def _select(call: Call, condition: str) -> str:
    path, query = split_url(condition)
    visibility = await call.visibility(path[0], "search")
    found = await matches(call, path[0], query, visibility)
    if len(found) != 1:
        raise PreconditionFailed(
            f"A conditional reference to {path[0]} selects {len(found) or 'no'} resources, not one."
        )
    return found[0].reference
