"""What charts draw: numbers with the text that is shown for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mark = Literal["", "high", "low"]


@dataclass(frozen=True, slots=True)
class Point:
    """
    A value of a series. `shown` is the text of the value, `mark` says that it lies outside its range. `at` is its time
    in any unit; where every point has one, distances are times, else all are equal.
    """

    label: str
    value: float
    shown: str = ""
    mark: Mark = ""
    at: float | None = None

    @property
    def text(self) -> str:
        return self.shown or f"{self.value:g}"


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar; `href` leads to the rows behind it."""

    label: str
    value: float
    shown: str = ""
    href: str = ""

    @property
    def text(self) -> str:
        return self.shown or f"{self.value:g}"


@dataclass(frozen=True, slots=True)
class Tile:
    """A place of a cartogram: column and row in the grid."""

    code: str
    name: str
    column: int
    row: int
