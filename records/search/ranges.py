"""
Two ends in one key, so that both are compared of the same value: periods of an element that repeats, and Ranges.

The key is `name<low␟high`: its beginning is found by index, its end by a regular expression that means "at most" or
"at least" in the order of texts. https://hl7.org/fhir/R4/search.html#prefix
"""

from __future__ import annotations

import re

from records.search.key import HIGHEST, TAIL, Condition, between, either

LOW, HIGH = "<", ">"
# Sorts behind every encoded number.
UNBOUNDED = "3"
# The signs that encoded numbers and moments are made of, in their order.
_FIRST, _LAST, _ANY = "-", "~", "[-.0-9:T~]*"
_END = f"(?=[${TAIL}]|$)"
# Up to the second end.
_SECOND = f"^[^{TAIL}]*{TAIL}"


def keys(name: str, low: str, high: str) -> list[str]:
    """The keys of a value that has two ends; `high` may be UNBOUNDED, `low` empty."""
    return [f"{name}{LOW}{low}{TAIL}{high}{TAIL}", f"{name}{HIGH}{high}{TAIL}"]


def compare(name: str, prefix: str, value: str, low: str, high: str) -> Condition:
    """Compare values with two ends: with `value`, or with the span from `low` to `high` where the prefix asks so."""
    match prefix:
        case "eq":
            return within(name, low, high, inclusive=False)
        case "ne":
            return either([between(name + LOW, None, low, below=True), between(name + HIGH, high, None)])
        case "gt":
            return between(name + HIGH, value, None, above=True)
        case "lt":
            return between(name + LOW, None, value, below=True)
        case "ge":
            return between(name + HIGH, value, None)
        case "le":
            return between(name + LOW, None, value)
        case "sa":
            return between(name + LOW, value, None, above=True)
        case "eb":
            return between(name + HIGH, None, value, below=True)
        case _:
            return overlapping(name, low, high)


def within(name: str, low: str, high: str, *, inclusive: bool) -> Condition:
    """Values that lie in the span whole; `inclusive`: they may reach to its end."""
    bounds = {"$gte": f"{name}{LOW}{low}", "$lte": f"{name}{LOW}{high}{HIGHEST}"}
    return {"k": {"$elemMatch": {**bounds, "$regex": _SECOND + at_most(high, inclusive=inclusive) + TAIL}}}


def overlapping(name: str, low: str, high: str) -> Condition:
    """Values that have anything in common with the span."""
    bounds = {"$gte": f"{name}{LOW}", "$lte": f"{name}{LOW}{high}{TAIL}{HIGHEST}"}
    return {"k": {"$elemMatch": {**bounds, "$regex": _SECOND + at_least(low) + TAIL}}}


def around(name: str, low: str, high: str) -> Condition:
    """Values that hold the whole span."""
    bounds = {"$gte": f"{name}{LOW}", "$lte": f"{name}{LOW}{low}{TAIL}{HIGHEST}"}
    return {"k": {"$elemMatch": {**bounds, "$regex": _SECOND + at_least(high) + TAIL}}}


def at_most(text: str, *, inclusive: bool = True) -> str:
    """A regular expression of the texts up to this one, of digits and the signs of dates."""
    found = "" if inclusive else None
    for one in reversed(text):
        smaller = f"[{_FIRST}-{re.escape(chr(ord(one) - 1))}]{_ANY}|" if one > _FIRST else ""
        longer = "(?!)" if found is None else f"{re.escape(one)}{found}"
        found = f"(?:{smaller}{longer})?"
    return found or ""


def at_least(text: str) -> str:
    """A regular expression of the texts from this one on."""
    found = _ANY
    for one in reversed(text):
        larger = f"[{re.escape(chr(ord(one) + 1))}-{_LAST}]{_ANY}" if one < _LAST else "(?!)"
        found = f"(?:{larger}|{re.escape(one)}{found})"
    return found


def matching(prefix: str, value: str, low: str, high: str) -> str:
    """A regular expression of the numbers that a prefix asks for; what ends the number stands behind it."""
    below, above = at_most(low, inclusive=False), at_least(high)
    match prefix:
        case "eq":
            return f"(?={at_least(low)}{_END}){at_most(high, inclusive=False)}{_END}"
        case "ne":
            return f"(?:{below}|{above}){_END}"
        case "gt" | "sa":
            return f"(?!{re.escape(value)}{_END}){at_least(value)}{_END}"
        case "lt" | "eb":
            return at_most(value, inclusive=False) + _END
        case "ge":
            return at_least(value) + _END
        case "le":
            return at_most(value) + _END
        case _:
            return f"(?={at_least(low)}{_END}){at_most(high)}{_END}"
