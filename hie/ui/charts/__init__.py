"""
Charts as SVG, drawn on the server: a picture, the sentence it says, and a table of the same numbers.

https://www.w3.org/WAI/tutorials/images/complex/

In templates: `chart.line(points, title=..., sentence=..., unit=..., low=..., high=...)`, `chart.bars(bars, ...)`,
`chart.tiles(bars_by_code, ...)`, `chart.sparkline(values, sentence=...)`; values are those of hie.ui.charts.values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import SupportsFloat

from markupsafe import Markup

from hie.ui.charts import bar, line, sparkline, tiles
from hie.ui.charts.svg import element, picture
from hie.ui.charts.values import Bar, Mark, Point, Tile
from hie.ui.filters import zh
from hie.ui.i18n import N_

__all__ = ["Bar", "Charts", "Mark", "Point", "Tile"]

MARKS: dict[Mark, str] = {"": N_("在参考范围内"), "high": N_("高于参考范围"), "low": N_("低于参考范围")}
BOUNDARIES = N_("示意图，不表示行政区域界线")


class Charts:
    """The charts of one language's pages."""

    def __init__(self, gettext: Callable[[str], str], language: str) -> None:
        self._gettext, self._language = gettext, language

    def line(
        self,
        points: Sequence[Point],
        *,
        title: str,
        sentence: str,
        unit: str = "",
        low: SupportsFloat | None = None,
        high: SupportsFloat | None = None,
    ) -> Markup:
        """A series, oldest first, with the band of its reference range."""
        if not points:
            return Markup("")
        bounds = [None if bound is None else float(bound) for bound in (low, high)]
        svg = picture(line.drawing(points, *bounds), title=title, sentence=sentence, height=line.HEIGHT)
        ranged = low is not None or high is not None
        rows = [(point.label, f"{point.text} {unit}".strip(), self._(MARKS[point.mark])) for point in points]
        heads = (N_("日期"), N_("数值"), N_("是否在参考范围"))
        table = self._table(title, heads if ranged else heads[:2], rows if ranged else [row[:2] for row in rows])
        return self._figure(title, svg, table, key=self._key(points) if ranged else Markup(""))

    def bars(
        self, bars: Sequence[Bar], *, title: str, sentence: str, unit: str = "", target: float | None = None
    ) -> Markup:
        """Figures of several places or groups, side by side."""
        if not bars:
            return Markup("")
        linked = "group" if any(one.href for one in bars) else "img"
        svg = picture(
            bar.drawing(bars, target), title=title, sentence=sentence, height=bar.height(bars), role=linked
        )  # fmt: skip
        rows = [(one.label, f"{one.text} {unit}".strip()) for one in bars]
        return self._figure(title, svg, self._table(title, (N_("项目"), N_("数值")), rows))

    def tiles(
        self,
        values: Mapping[str, Bar],
        *,
        title: str,
        sentence: str,
        unit: str = "",
        layout: Sequence[Tile] = (),
    ) -> Markup:
        """Figures of the districts, by division code, as tiles."""
        places = layout or tiles.zibo()
        linked = "group" if any(one.href for one in values.values()) else "img"
        svg = picture(
            tiles.drawing(places, values), title=title, sentence=sentence, height=tiles.height(places), role=linked
        )  # fmt: skip
        rows = [
            (tile.name, f"{values[tile.code].text} {unit}".strip() if tile.code in values else "–") for tile in places
        ]
        note = element("p", self._(BOUNDARIES), class_="small")
        return self._figure(title, svg, self._table(title, (N_("区县"), N_("数值")), rows), key=note)

    def sparkline(self, values: Sequence[float], *, sentence: str) -> Markup:
        """A small line inside a table that says the numbers."""
        return sparkline.drawing(values, sentence) if values else Markup("")

    def _(self, text: str) -> str:
        return self._gettext(text)

    def _figure(self, title: str, svg: Markup, table: Markup, key: Markup = Markup("")) -> Markup:  # noqa: B008
        numbers = element("details", element("summary", self._(N_("以表格查看数据"))), table)
        return element("figure", element("figcaption", zh(title, self._language)), svg, key, numbers, class_="chart")

    def _table(self, title: str, heads: Iterable[str], rows: Iterable[Sequence[str]]) -> Markup:
        head = element("tr", *(element("th", self._(text), scope="col") for text in heads))
        lines = (element("tr", *(element("td", zh(cell, self._language)) for cell in row)) for row in rows)
        table = element("table", element("thead", head), element("tbody", *lines))
        return element("div", table, class_="scroll", role="region", tabindex=0, aria_label=title)

    def _key(self, points: Sequence[Point]) -> Markup:
        marks = [mark for mark in MARKS if any(point.mark == mark for point in points)]
        signs = (element("span", _sign(mark), self._(MARKS[mark])) for mark in marks)
        return element("div", *signs, class_="key")


def _sign(mark: Mark) -> Markup:
    return element("svg", line.shape(mark, "50%", 9), aria_hidden="true", width=18, height=18)
