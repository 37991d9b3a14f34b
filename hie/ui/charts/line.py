"""A series over time, with the band of the reference range; what lies outside differs in shape and colour."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from markupsafe import Markup

from hie.ui.charts.svg import BAND, BRAND, GRID, HIGH, INK, LOW, element, percent, text
from hie.ui.charts.values import Mark, Point

TOP, PLOT, BOTTOM = 32, 168, 36
HEIGHT = TOP + PLOT + BOTTOM
LEFT, RIGHT = 0.05, 0.95
SHAPES: dict[Mark, tuple[str, str]] = {
    "": ("M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0Z", BRAND),
    "high": ("M0-9 9 7-9 7Z", HIGH),
    "low": ("M0 9 9-7-9-7Z", LOW),
}


def drawing(points: Sequence[Point], low: float | None, high: float | None) -> list[Markup]:
    """The parts of the picture, from back to front."""
    bottom, top = _extent([point.value for point in points], low, high)

    def y(value: float) -> float:
        return round(TOP + PLOT * (1 - (value - bottom) / (top - bottom)), 1)

    places = [(x, y(point.value)) for x, point in zip(_across(points), points, strict=True)]
    return [
        *_band(low, high, bottom, top, y),
        *_segments(places),
        *(shape(point.mark, percent(x), height) for point, (x, height) in zip(points, places, strict=True)),
        *_labels(points, places),
    ]


def shape(mark: Mark, x: str, y: float) -> Markup:
    """The sign of one value."""
    path, colour = SHAPES[mark]
    sign = element("path", d=path, fill=colour, stroke="#ffffff", stroke_width=1.5)
    return element("svg", sign, x=x, y=y, overflow="visible", width=1, height=1)


def _extent(values: Sequence[float], low: float | None, high: float | None) -> tuple[float, float]:
    known = [*values, *(bound for bound in (low, high) if bound is not None)]
    spread = (max(known) - min(known)) or abs(max(known)) or 1.0
    return min(known) - spread * 0.08, max(known) + spread * 0.12


def _across(points: Sequence[Point]) -> list[float]:
    times = [point.at for point in points if point.at is not None]
    if len(times) < len(points) or times[-1] <= times[0]:
        times = [float(index) for index in range(len(points))]
    if len(times) == 1:
        return [0.5]
    return [LEFT + (RIGHT - LEFT) * (time - times[0]) / (times[-1] - times[0]) for time in times]


def _band(
    low: float | None, high: float | None, bottom: float, top: float, y: Callable[[float], float]
) -> Iterator[Markup]:
    if low is None and high is None:
        return
    upper, lower = y(top if high is None else high), y(bottom if low is None else low)
    yield element("rect", x=0, y=upper, width="100%", height=round(lower - upper, 1), fill=BAND)
    for bound, place in ((high, upper), (low, lower)):
        if bound is not None:
            yield element("line", x1=0, x2="100%", y1=place, y2=place, stroke=GRID, stroke_dasharray="4 4")
            yield text("0", place - 5 if bound == high else place + 17, f"{bound:g}")


def _segments(places: Sequence[tuple[float, float]]) -> Iterator[Markup]:
    for (x1, y1), (x2, y2) in pairwise(places):
        yield element("line", x1=percent(x1), y1=y1, x2=percent(x2), y2=y2, stroke=BRAND, stroke_width=2)


def _labels(points: Sequence[Point], places: Sequence[tuple[float, float]]) -> Iterator[Markup]:
    """First and last date, and the last value: a phone has room for no more."""
    last = len(points) - 1
    for index in sorted({0, last}):
        anchor, edge = ("middle", "50%") if last == 0 else ("start", "0") if index == 0 else ("end", "100%")
        yield text(edge, HEIGHT - 8, points[index].label, anchor=anchor)
    x, height = places[last]
    anchor, shift = ("middle", 0.0) if last == 0 else ("end", 0.03)
    yield text(percent(x + shift), height - 14, points[last].text, anchor=anchor, fill=INK, weight="600")
