"""
One figure of a module as its page shows it: of the region and each institution, and the rows behind a number.

Specification: region-1251 section 3 (numerator, denominator, window); portal-ui section 7 (every figure opens).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args
from urllib.parse import urlencode

from hie.applications import organizations
from hie.applications.fhir import name_of, patient_of
from hie.applications.months import Period, period
from hie.applications.numbers import whole
from hie.applications.work import Reader
from hie.indicators.engine import Indicators
from hie.indicators.indicator import Row, Value
from hie.workbench.desk import Visit
from records.errors import NotFound
from records.stored import Json

PAGE = 50
Side = Literal["numerator", "denominator", "missing", "excluded"]


@dataclass(frozen=True, slots=True)
class Shown:
    """One row behind a number: the Task, and whose it is, as far as the reader may see."""

    task: Json
    name: str
    flag: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A page of one indicator. `chosen` is the figure that is opened; `side` the rows that are shown."""

    value: Value
    chosen: Value
    facilities: Sequence[Value]
    names: Mapping[str, str]
    side: Side
    rows: Sequence[Shown]
    count: int
    start: int
    period: Period

    @property
    def following(self) -> int:
        """Where the next page of rows starts; 0 where there is none."""
        return self.start + PAGE if self.start + PAGE < self.count else 0


def side_of(asked: str) -> Side:
    """The rows that an address asks for."""
    return next((side for side in get_args(Side) if side == asked), "missing")  # type: ignore[no-any-return]


async def figure(
    engine: Indicators, indicator: str, window: Period, reader: Reader, *, facility: str, side: Side, start: int
) -> Figure:  # fmt: skip
    """
    The figure is the region's and counted with the sight of the exchange; the rows are what the reader may see.

    NotFound where no such institution has rows in the window.
    """
    values = await engine.by_facility(indicator, window.window, Reader(reader.store))
    chosen = next((one for one in values if one.facility == facility), None)
    if chosen is None:
        raise NotFound("There is no such institution in this window.")
    behind = rows_of(chosen, side)
    called = await organizations.names(reader, [one.facility for one in values])
    rows = await _shown(reader, behind[start : start + PAGE])
    return Figure(values[0], chosen, values[1:], called, side, rows, len(behind), start, window)


async def asked(visit: Visit, indicator: str, today: date) -> Figure:
    """The figure that a page's address asks for (`period`, `facility`, `rows`, `from`); noted in the trail."""
    found = await figure(
        visit.indicators, indicator, period(visit.query.get("period", ""), today), visit.reader,
        facility=visit.query.get("facility", ""), side=side_of(visit.query.get("rows", "")),
        start=whole(visit.query.get("from", "")),
    )  # fmt: skip
    visit.note("operation", query=f"indicator/{indicator}?{urlencode({'period': found.period.name})}")
    return found


def rows_of(value: Value, side: Side) -> Sequence[Row]:
    """The rows on one side; `missing` are those below the line that are not above it: where work waits."""
    if side == "missing":
        above = {row.reference for row in value.evidence.numerator}
        return [row for row in value.evidence.denominator if row.reference not in above]
    found: Sequence[Row] = getattr(value.evidence, side)
    return found


def is_over(period: Period, today: date) -> bool:
    """Whether the period lies wholly in the past, so that there is one after it to show."""
    return period.window.end <= today


async def _shown(reader: Reader, rows: Sequence[Row]) -> list[Shown]:
    tasks = await reader.named("Task", [row.reference.partition("/")[2] for row in rows])
    people = await reader.named("Patient", [patient_of(task) for task in tasks.values()])
    pairs = ((tasks.get(row.reference.partition("/")[2]), row) for row in rows)
    return [Shown(task, name_of(people.get(patient_of(task), {})), row.flag) for task, row in pairs if task is not None]
