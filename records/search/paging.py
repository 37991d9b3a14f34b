"""
Order and pages: a page goes on behind the last row of the one before, never by counting rows.

The cursor is the last row's id alone: what it was sorted by is read again from the store, so that no name or value
travels in an address. https://hl7.org/fhir/R4/search.html#sort
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from records.search.key import Condition
from records.search.request import Sort

ASCENDING, DESCENDING = 1, -1


def field(sort: Sort) -> str:
    """The document's field that a sort key is in."""
    return {"_id": "_id", "_lastUpdated": "t"}.get(sort.code, f"s.{sort.code}")


def order(sorts: Sequence[Sort]) -> list[tuple[str, int]]:
    """The database's sort; the id makes every order total."""
    asked = [(field(one), DESCENDING if one.descending else ASCENDING) for one in sorts]
    return asked if any(name == "_id" for name, _ in asked) else [*asked, ("_id", ASCENDING)]


def behind(sorts: Sequence[Sort], last: Mapping[str, Any]) -> Condition:
    """Rows that come after `last` (a document with its `s` and `t`) in this order."""
    alternatives: list[Condition] = []
    same: list[Condition] = []
    for name, direction in order(sorts):
        value = _value(last, name)
        if (further := _further(name, value, direction)) is not None:
            alternatives.append({"$and": [*same, further]} if same else further)
        same = [*same, {name: value}]
    return alternatives[0] if len(alternatives) == 1 else {"$or": alternatives}


def _value(document: Mapping[str, Any], name: str) -> Any:
    if name.startswith("s."):
        return document.get("s", {}).get(name[2:])
    return document.get(name)


def _further(name: str, value: Any, direction: int) -> Condition | None:
    """Behind a value: a missing one sorts before all others, as the database has it."""
    if direction == ASCENDING:
        return {name: {"$ne": None}} if value is None else {name: {"$gt": value}}
    if value is None:
        return None
    return {"$or": [{name: {"$lt": value}}, {name: None}]} if name.startswith("s.") else {name: {"$lt": value}}
