"""
Order and pages: a page goes on behind the last row of the one before, never by counting rows.

https://hl7.org/fhir/R4/search.html#sort
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from records.search.key import Condition, both
from records.search.request import Sort

ASCENDING, DESCENDING = 1, -1


def field(sort: Sort) -> str:
    """The document's field that a sort key is in."""
    return {"_id": "_id", "_lastUpdated": "t"}.get(sort.code, f"s.{sort.code}")


def order(sorts: Sequence[Sort]) -> list[tuple[str, int]]:
    """The database's sort; the id makes every order total, and runs as the last key does: one index for both ways."""
    asked = [(field(one), DESCENDING if one.descending else ASCENDING) for one in sorts]
    if any(name == "_id" for name, _ in asked):
        return asked
    return [*asked, ("_id", asked[-1][1] if asked else ASCENDING)]


def turned(sorts: Sequence[Sort]) -> Sequence[Sort]:
    """The same order read from its end."""
    return [replace(one, descending=not one.descending) for one in sorts] or [Sort("_id", descending=True)]


def values(sorts: Sequence[Sort], row: Mapping[str, Any]) -> list[Any]:
    """What a row is sorted by: the place where the next page begins."""
    return [_value(row, name) for name, _ in order(sorts)]


def behind(sorts: Sequence[Sort], last: Sequence[Any]) -> Condition:
    """Rows that come after the place `last` in this order."""
    alternatives: list[Condition] = []
    same: list[Condition] = []
    keys = order(sorts)
    for (name, direction), value in zip(keys, last, strict=True):
        if (further := _further(name, value, direction)) is not None:
            alternatives.append({"$and": [*same, further]} if same else further)
        same = [*same, {name: value}]
    if len(alternatives) == 1:
        return alternatives[0]
    return both([_from(*keys[0], last[0]), {"$or": alternatives}])


def _from(name: str, direction: int, value: Any) -> Condition:
    """The same said of the first key alone, so that the index is entered where the page begins."""
    if value is None:
        return {} if direction == ASCENDING else {name: None}
    return {name: {"$gte": value}} if direction == ASCENDING else {name: {"$not": {"$gt": value}}}


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
