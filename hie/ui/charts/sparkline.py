"""A line of a word's size, for tables that already say the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from hie.ui.charts.svg import BRAND, element

WIDTH, HEIGHT, EDGE = 96, 28, 4


def drawing(values: Sequence[float], sentence: str) -> Markup:
    """The picture; `sentence` says what it shows."""
    least, most = min(values), max(values)
    spread = (most - least) or 1.0
    step = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)
    places = [
        (EDGE + index * step, HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (value - least) / spread)
        for index, value in enumerate(values)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    line = element("polyline", points=path, fill="none", stroke=BRAND, stroke_width=2)
    end = element("circle", cx=f"{places[-1][0]:.1f}", cy=f"{places[-1][1]:.1f}", r=3, fill=BRAND)
    return element(
        "svg", line, end, xmlns="http://www.w3.org/2000/svg", role="img", aria_label=sentence,
        width=WIDTH, height=HEIGHT, class_="spark",
    )  # fmt: skip
