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

# Kinds, each one character behind the parameter's name. PRESENT is written where a value has no other key.
PRESENT = "!"
EXACT = "="
TEXT = "~"
ANY_SYSTEM = ":"
SYSTEM_CODE = "|"
OF_TYPE = "^"
IDENTIFIER = "@"
START = "["
END = "]"
NUMBER = "+"
HIGHEST = "\uffff"
# Behind a value, what narrows it further: the text as written, a unit, a system. No FHIR string holds this sign.
TAIL = "\x1f"
_ANY = r"[\s\S]*"
NOTHING: Condition = {"_id": {"$in": []}}


def inside_of(name: str, resource_type: str) -> str:
    """What stands before the keys of a contained resource that the reference parameter `name` points at."""
    return f"{name}.{resource_type}."


def equals(keys: Sequence[str]) -> Condition:
    """A document that has one of these keys."""
    return {"k": keys[0]} if len(keys) == 1 else {"k": {"$in": list(keys)}}


def begins(prefix: str) -> Condition:
    """A document with a key that begins so."""
    return {"k": {"$regex": "^" + re.escape(prefix)}}


def longer(prefix: str) -> Condition:
    """A document with a key that begins so and goes on."""
    return {"k": {"$regex": "^" + re.escape(prefix) + "."}}


def contains(prefix: str, inside: str) -> Condition:
    """A document with a key that begins so and holds `inside` further on; runs over the keys of the parameter."""
    return {"k": {"$regex": f"^{re.escape(prefix)}[^{TAIL}]*{re.escape(inside)}"}}


def between(prefix: str, low: str | None, high: str | None, *, above: bool = False, below: bool = False) -> Condition:
    """
    A document with a key behind `prefix` from `low` to `high` (None: open); `above`, `below`: without the bound.

    Both bounds hold for the same key.
    """
    lower = {"$gte": prefix + (low or "")} if not above else {"$gt": f"{prefix}{low}{TAIL}{HIGHEST}"}
    upper = {"$lt": prefix + (high or "")} if below else {"$lte": prefix + (f"{high}{TAIL}" if high else "") + HIGHEST}
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


def ending(condition: Condition, pattern: str) -> Condition:
    """The same for keys whose end is matched by a regular expression as well."""
    if "k" not in condition:
        return {name: [ending(one, pattern) for one in inner] for name, inner in condition.items() if name[0] == "$"}
    asked = condition["k"]
    if isinstance(asked, str):
        return {"k": {"$regex": f"^{re.escape(asked)}{pattern}$"}}
    if "$in" in asked:
        return either(ending({"k": key}, pattern) for key in asked["$in"])
    if "$regex" in asked:
        return {"k": {"$regex": f"{asked['$regex']}{_ANY}{pattern}$"}}
    bounds = asked["$elemMatch"]
    before = f"(?={_ANY}{bounds['$regex']}){_ANY}" if "$regex" in bounds else ""
    return {"k": {"$elemMatch": {**bounds, "$regex": f"{before}{pattern}$"}}}


def asks_for_key(condition: Condition) -> bool:
    """Whether a document without any key can never match."""
    if "$or" in condition:
        return all(map(asks_for_key, condition["$or"]))
    return "k" in condition or any(map(asks_for_key, condition.get("$and", ())))


def negated(condition: Condition) -> Condition:
    """Not that."""
    return {"$nor": [condition]}
