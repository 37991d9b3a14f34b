"""Horizontal bars, each under its label, so that long Chinese names and narrow screens fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from hie.ui.charts.svg import BRAND, GRID, INK, element, percent, text
from hie.ui.charts.values import Bar

STEP = 60


def height(bars: Sequence[Bar]) -> int:
    """The drawing's height."""
    return STEP * len(bars) + 4


def drawing(bars: Sequence[Bar], target: float | None = None) -> Iterator[Markup]:
    """One row a bar; the target is a mark across each."""
    most = max([*(bar.value for bar in bars), target or 0, 0]) or 1.0
    for index, bar in enumerate(bars):
        row = _row(bar, index * STEP, max(bar.value, 0) / most)
        yield element("a", *row, href=bar.href) if bar.href else Markup("").join(row)
        if target is not None:
            x, top = percent(target / most), index * STEP
            yield element("line", x1=x, x2=x, y1=top + 27, y2=top + 51, stroke=INK, stroke_width=3)


def _row(bar: Bar, top: int, share: float) -> list[Markup]:
    return [
        # The whole row takes the finger.
        element("rect", x=0, y=top, width="100%", height=STEP - 4, fill="#ffffff", fill_opacity=0),
        text("0", top + 21, bar.label, fill=INK),
        text("100%", top + 21, bar.text, anchor="end", fill=INK, weight="600"),
        element("rect", x=0, y=top + 32, width="100%", height=14, rx=4, fill=GRID, fill_opacity=0.45),
        element("rect", x=0, y=top + 32, width=percent(share), height=14, rx=4, fill=BRAND),
    ]
