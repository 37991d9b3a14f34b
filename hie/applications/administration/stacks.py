"""
Columns of a minute each, one part a site: what came when, and from whom; drawn by the server.

https://www.w3.org/WAI/tutorials/images/complex/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hie.ui.charts.svg import GRID, element, percent, picture, text

TOP, PLOT, BOTTOM = 24, 168, 32
# Each at least 3:1 on white; neighbours differ in lightness, and the table below says the same in numbers.
COLOURS = ("#005b8f", "#b85c00", "#1a6a3d", "#8e4ec6", "#6a7986")


@dataclass(frozen=True, slots=True)
class Series:
    """One site's messages, minute by minute, the oldest first."""

    name: str
    values: Sequence[int]

    @property
    def total(self) -> int:
        return sum(self.values)


def drawing(series: Sequence[Series], labels: Sequence[str], *, title: str, sentence: str) -> Markup:
    """The picture; `labels` are those of the first and the last column."""
    height = TOP + PLOT + BOTTOM
    return picture([*_grid(series), *_columns(series), *_ends(labels)], title=title, sentence=sentence, height=height)


def key(series: Sequence[Series]) -> list[tuple[Markup, str, int]]:
    """A sign, the name and the sum of each part, in their order."""
    return [(_sign(COLOURS[at]), one.name, one.total) for at, one in enumerate(series)]


def _sign(colour: str) -> Markup:
    square = element("rect", x=1, y=1, width=16, height=16, rx=3, fill=colour)
    return element("svg", square, aria_hidden="true", width=18, height=18)


def most(series: Sequence[Series]) -> int:
    """The fullest minute."""
    return max((sum(column) for column in zip(*(one.values for one in series), strict=True)), default=0)


def _grid(series: Sequence[Series]) -> Iterator[Markup]:
    yield element("line", x1=0, x2="100%", y1=TOP, y2=TOP, stroke=GRID, stroke_dasharray="4 4")
    yield element("line", x1=0, x2="100%", y1=TOP + PLOT, y2=TOP + PLOT, stroke=GRID)
    yield text("0", TOP - 7, f"{most(series):,}")


def _columns(series: Sequence[Series]) -> Iterator[Markup]:
    full, count = most(series) or 1, max((len(one.values) for one in series), default=0)
    for place in range(count):
        base = float(TOP + PLOT)
        for at, one in enumerate(series):
            size = PLOT * one.values[place] / full
            if size:
                base -= size
                yield element(
                    "rect", x=percent(place / count), y=round(base, 1), width=percent(0.8 / count),
                    height=round(size, 1), fill=COLOURS[at],
                )  # fmt: skip


def _ends(labels: Sequence[str]) -> Iterator[Markup]:
    for label, x, anchor in zip(labels, ("0", "100%"), ("start", "end"), strict=True):
        yield text(x, TOP + PLOT + 24, label, anchor=anchor)
