"""
What an indicator is: a definition, a window that is never absent, rows above and below the line, one value.

Specification: region-1251 section 3 (one indicator engine, window mandatory),
and portal-ui section 7 (every figure opens).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from hie.errors import Unprocessable

Kind = Literal["ratio", "count"]
# Months of the region's figures begin and end at its own midnight.
ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Indicator:
    """
    One definition, at one version.

    The value is numerator / denominator * scale (a count is its numerator). `better` says which way is good,
    `target` what is aimed at (rule data, not law unless the source says so).
    """

    id: str
    zh: str
    en: str
    numerator_zh: str
    numerator_en: str
    denominator_zh: str
    denominator_en: str
    kind: Kind
    scale: Decimal
    unit: str
    places: int
    better: Literal["higher", "lower", "neither"]
    version: str
    source: str
    verified: bool
    target: Decimal | None = None

    def name(self, language: str) -> str:
        """Its name in the reader's language."""
        return self.en if language.startswith("en") else self.zh


@dataclass(frozen=True, slots=True)
class Window:
    """From the start of a day to before the start of another; without a window no rate means anything."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise Unprocessable("The end of a window lies after its start.")

    @classmethod
    def month(cls, year: int, month: int) -> Window:
        """One calendar month."""
        following = date(year + month // 12, month % 12 + 1, 1)
        return cls(date(year, month, 1), following)

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    def holds(self, day: date) -> bool:
        """Whether a day lies in the window."""
        return self.start <= day < self.end


@dataclass(frozen=True, slots=True)
class Row:
    """One row behind a number: what it is (a reference), whose it is, how much it counts, and a flag if it is odd."""

    reference: str
    facility: str = ""
    amount: Decimal = Decimal(1)
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All rows of one indicator in one window. `excluded` could not be counted; each says why."""

    numerator: tuple[Row, ...] = ()
    denominator: tuple[Row, ...] = ()
    excluded: tuple[Row, ...] = ()
    flags: tuple[str, ...] = ()

    def of(self, facility: str) -> Evidence:
        """The rows of one facility; everything for the empty name."""
        if not facility:
            return self
        return Evidence(
            _of(self.numerator, facility), _of(self.denominator, facility), _of(self.excluded, facility), self.flags
        )

    @property
    def facilities(self) -> tuple[str, ...]:
        """Every facility that has a row, sorted."""
        return tuple(sorted({row.facility for row in (*self.numerator, *self.denominator, *self.excluded)}))


@dataclass(frozen=True, slots=True)
class Value:
    """
    A number that can be opened.

    `value` is None where the denominator is nothing: no rate, not a rate of zero. `frozen` is when the period
    was closed, None for a live figure.
    """

    indicator: Indicator
    window: Window
    facility: str
    numerator: Decimal
    denominator: Decimal
    value: Decimal | None
    evidence: Evidence
    flags: tuple[str, ...] = ()
    frozen: datetime | None = None


def evaluate(indicator: Indicator, evidence: Evidence, window: Window, facility: str = "") -> Value:
    """The value of an indicator out of its rows, for one facility or for all."""
    rows = evidence.of(facility)
    above, below = total(rows.numerator), total(rows.denominator)
    flags = tuple(dict.fromkeys((*rows.flags, *(row.flag for row in rows.excluded if row.flag))))
    return Value(indicator, window, facility, above, below, _value(indicator, above, below), rows, flags)


def total(rows: Iterable[Row]) -> Decimal:
    """The sum of what the rows count."""
    return sum((row.amount for row in rows), Decimal(0))


def _value(indicator: Indicator, above: Decimal, below: Decimal) -> Decimal | None:
    if indicator.kind == "count":
        return above
    if below == 0:
        return None
    return round(above / below * indicator.scale, indicator.places)


def _of(rows: tuple[Row, ...], facility: str) -> tuple[Row, ...]:
    return tuple(row for row in rows if row.facility == facility)
