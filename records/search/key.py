"""
The form of a search key: parameter, kind, value in one string, so that one multikey index answers every search.

MongoDB cannot index two arrays together, and a range over subfields of an array crosses its members; a flat array of
strings has neither trouble, on one node or on a sharded cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

Condition = dict[str, Any]

# Kinds, each one character behind the parameter's name.
PRESENT = "!"
EXACT = "="
TEXT = "~"
ANY_SYSTEM = ":"
SYSTEM_CODE = "|"
SYSTEM = "#"
OF_TYPE = "^"
IDENTIFIER = "@"
START = "["
END = "]"
NUMBER = "+"
HIGHEST = "\uffff"
NOTHING: Condition = {"_id": {"$in": []}}


def equals(keys: Sequence[str]) -> Condition:
    """A document that has one of these keys."""
    return {"k": keys[0]} if len(keys) == 1 else {"k": {"$in": list(keys)}}


def begins(prefix: str) -> Condition:
    """A document with a key that begins so."""
    return {"k": {"$regex": "^" + re.escape(prefix)}}


def contains(prefix: str, inside: str) -> Condition:
    """A document with a key that begins so and holds `inside` further on; runs over the keys of the parameter."""
    return {"k": {"$regex": f"^{re.escape(prefix)}.*{re.escape(inside)}"}}


def between(prefix: str, low: str | None, high: str | None, *, above: bool = False, below: bool = False) -> Condition:
    """
    A document with a key behind `prefix` from `low` to `high` (None: open); `above`, `below`: without the bound.

    Both bounds hold for the same key.
    """
    lower = {"$gt" if above else "$gte": prefix + (low or "")}
    upper = {"$lt" if below else "$lte": prefix + (high if high is not None else HIGHEST)}
    return {"k": {"$elemMatch": lower | upper}}


def either(conditions: Iterable[Condition]) -> Condition:
    """At least one of them."""
    found = list(conditions)
    if not found:
        return NOTHING
    return found[0] if len(found) == 1 else {"$or": found}


def both(conditions: Iterable[Condition]) -> Condition:
    """All of them."""
    found = [one for one in conditions if one]
    if not found:
        return {}
    return found[0] if len(found) == 1 else {"$and": found}


def negated(condition: Condition) -> Condition:
    """Not that."""
    return {"$nor": [condition]}
