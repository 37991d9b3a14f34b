"""
What the conditions on one date say together: its beginning lies between two moments.

Each of them is open to one side and speaks of another key; a database that walks an index for one reads everything on
that side. Between both moments it reads what is asked for. https://hl7.org/fhir/R4/search.html#date
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from records.definitions import SearchParameter, definitions
from records.search import date, traits
from records.search.date import FIRST, LAST
from records.search.key import START, Condition, between
from records.search.order import ordered
from records.search.request import Filter
from records.search.values import plain

# A value of these types is a moment written no less precisely than its year.
SHORT = frozenset({"date", "dateTime", "instant"})
YEAR = timedelta(days=367)


class Bounds(NamedTuple):
    """The earliest and the latest beginning that is possible."""

    low: str = FIRST
    high: str = LAST

    def narrowed(self, other: Bounds) -> Bounds:
        """Both hold."""
        return Bounds(max(self.low, other.low), min(self.high, other.high))


def implied(resource_type: str, filters: Iterable[Filter]) -> Iterator[Condition]:
    """Conditions that follow from the filters, for dates of which a resource has one."""
    found: dict[str, Bounds] = {}
    for asked in filters:
        if (parameter := _single(resource_type, asked)) is not None:
            found[asked.name] = found.get(asked.name, Bounds()).narrowed(_bounds(parameter, asked.values[0]))
    for name, bounds in found.items():
        if bounds.low > FIRST and bounds.high < LAST:
            yield between(name + START, *bounds)
        if name in ordered(resource_type) and bounds != Bounds():
            yield {f"s.{name}": {"$gte": bounds.low, "$lte": bounds.high}}


def _single(resource_type: str, asked: Filter) -> SearchParameter | None:
    """The parameter of a plain filter with one value, of which a resource has no more than one."""
    if asked.chain or asked.modifier or len(asked.values) != 1:
        return None
    parameter = definitions().search_parameters(resource_type).get(asked.name)
    if parameter is None or parameter.type != "date" or asked.name.startswith("_"):
        return None
    return None if traits.repeats(resource_type, parameter) else parameter


def _bounds(parameter: SearchParameter, value: str) -> Bounds:
    prefix, wanted = date.asked(plain(value))
    reach = _earlier(wanted.start) if traits.datatypes(parameter) <= SHORT else FIRST
    match prefix:
        case "eq":
            return Bounds(wanted.start, wanted.end)
        case "gt" | "ge":
            return Bounds(low=reach)
        case "lt" | "eb":
            return Bounds(high=wanted.start)
        case "le":
            return Bounds(high=wanted.end)
        case "sa":
            return Bounds(low=wanted.end)
        case "ap":
            return Bounds(reach, wanted.end)
        case _:
            return Bounds()


def _earlier(moment: str) -> str:
    """The beginning of the longest value that may reach to this moment."""
    try:
        return date.stamp(datetime.fromisoformat(moment).replace(tzinfo=UTC) - YEAR)
    except OverflowError:
        return FIRST
