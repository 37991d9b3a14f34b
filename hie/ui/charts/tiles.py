"""
A cartogram: one tile a district, five classes of one hue, the value printed in the tile. No boundaries are drawn.

Where the tiles lie is data (`tiles.json`), so another region is a change of data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources

from markupsafe import Markup

from hie.ui.charts.svg import INK, element, percent, text
from hie.ui.charts.values import Bar, Tile

STEP, GAP = 84, 8
CLASSES = (("#e6f1f8", INK), ("#b9d8ea", INK), ("#7db4d4", INK), ("#2f78a6", "#ffffff"), ("#00456d", "#ffffff"))
MISSING = ("#ffffff", INK)


@cache
def zibo() -> tuple[Tile, ...]:
    """The eight districts and counties of Zibo."""
    stored = json.loads(resources.files("hie.ui.charts").joinpath("tiles.json").read_text("utf-8"))
    return tuple(Tile(**one) for one in stored["tiles"])


def height(tiles: Sequence[Tile]) -> int:
    """The drawing's height."""
    return STEP * (max(tile.row for tile in tiles) + 1)


def drawing(tiles: Sequence[Tile], values: Mapping[str, Bar]) -> Iterator[Markup]:
    """Each tile with the value of its code."""
    columns = max(tile.column for tile in tiles) + 1
    least, most = _range(values)
    for tile in tiles:
        bar = values.get(tile.code)
        fill, ink = MISSING if bar is None else CLASSES[_class(bar.value, least, most)]
        parts = _tile(tile, columns, bar.text if bar else "–", fill, ink)
        yield element("a", *parts, href=bar.href) if bar and bar.href else Markup("").join(parts)


def _tile(tile: Tile, columns: int, value: str, fill: str, ink: str) -> list[Markup]:
    width = 1 / columns
    left, middle, top = percent(tile.column * width), percent((tile.column + 0.49) * width), tile.row * STEP
    size = {"width": percent(width * 0.97), "height": STEP - GAP}
    return [
        element("rect", x=left, y=top, rx=8, fill=fill, stroke="#6a7986", **size),
        text(middle, top + 32, tile.name, anchor="middle", fill=ink),
        text(middle, top + 58, value, anchor="middle", fill=ink, weight="600"),
    ]


def _range(values: Mapping[str, Bar]) -> tuple[float, float]:
    numbers = [bar.value for bar in values.values()] or [0.0]
    return min(numbers), max(numbers)


def _class(value: float, least: float, most: float) -> int:
    return 2 if most == least else min(int((value - least) / (most - least) * len(CLASSES)), len(CLASSES) - 1)
