"""Charts: a picture, its sentence, the same numbers as a table."""

from __future__ import annotations

from decimal import Decimal
from xml.etree import ElementTree

from hie.ui.charts import Bar, Charts, Point, tiles

SVG = "{http://www.w3.org/2000/svg}"
CHART = Charts(lambda text: text, "zh-CN")
POINTS = [Point("1月", 5.8, "5.80"), Point("2月", 7.2, "7.2", "high"), Point("3月", 3.0, "3.0", "low")]


def figure(markup: str) -> ElementTree.Element:
    """The figure, which is well formed."""
    return ElementTree.fromstring(markup)


class TestLine:
    def test_says_it(self) -> None:
        """Who cannot see the picture hears its title and sentence."""
        svg = figure(CHART.line(POINTS, title="血糖", sentence="三次。", low=3.9, high=6.1)).find(f"{SVG}svg")

        assert svg is not None
        assert svg.get("role") == "img"
        assert [child.text for child in list(svg)[:2]] == ["血糖", "三次。"]

    def test_labels_keep_their_size(self) -> None:
        """No viewBox shrinks the labels; they are 14 px as attributes, too, for print."""
        svg = figure(CHART.line(POINTS, title="t", sentence="s", low=3.9, high=6.1)).find(f"{SVG}svg")

        assert svg is not None
        assert svg.get("viewBox") is None
        assert {text.get("font-size") for text in svg.iter(f"{SVG}text")} == {"14"}

    def test_shape_and_colour(self) -> None:
        """What is outside the range has another shape, another colour, and a word in the table and the key."""
        found = figure(CHART.line(POINTS, title="t", sentence="s", low=3.9, high=6.1))
        signs = {(path.get("d"), path.get("fill")) for path in found.iter(f"{SVG}path")}

        assert len({shape for shape, _ in signs}) == len({colour for _, colour in signs}) == 3
        assert "".join(found.itertext()).count("高于参考范围") == 2

    def test_table(self) -> None:
        """The table has the numbers as the laboratory wrote them, with the unit."""
        found = figure(CHART.line(POINTS, title="t", sentence="s", unit="mmol/L", low=3.9, high=6.1))
        rows = [["".join(cell.itertext()) for cell in row] for row in found.findall(".//tbody/tr")]

        assert rows[0] == ["1月", "5.80 mmol/L", "在参考范围内"]
        assert len(rows) == 3

    def test_without_range(self) -> None:
        """Without a range there is no band, no key and no column about it."""
        found = figure(CHART.line([Point("1月", 5.0)], title="t", sentence="s"))

        assert found.find(f".//{SVG}rect") is None
        assert len(found.findall(".//thead/tr/th")) == 2

    def test_times(self) -> None:
        """Where points have times, distances are times."""
        points = [Point("a", 1, at=0), Point("b", 2, at=10), Point("c", 3, at=100)]
        svg = figure(CHART.line(points, title="t", sentence="s", high=Decimal("2.5"))).find(f"{SVG}svg")
        places = [float(sign.get("x", "").rstrip("%")) for sign in svg.findall(f"{SVG}svg")]  # type: ignore[union-attr]

        assert places == [5.0, 14.0, 95.0]

    def test_nothing(self) -> None:
        """No values, no picture."""
        assert CHART.line([], title="t", sentence="s") == ""
        assert CHART.bars([], title="t", sentence="s") == ""
        assert CHART.sparkline([], sentence="s") == ""

    def test_flat(self) -> None:
        """Equal values, zeros and a single value can be drawn."""
        for values in ([0.0], [0.0, 0.0], [5.0, 5.0, 5.0]):
            points = [Point("x", value) for value in values]
            assert "nan" not in CHART.line(points, title="t", sentence="s", low=0, high=0)

    def test_escaped(self) -> None:
        """Labels of senders are text."""
        assert "&lt;b&gt;" in CHART.line([Point("<b>", 1, "<b>")], title="<b>", sentence="<b>")


class TestBars:
    def test_links(self) -> None:
        """Every bar leads to the rows behind it; then the drawing is a group of links, no picture."""
        bars = [Bar("张店区", 3, href="/rows?d=1"), Bar("博山区", 0)]
        found = figure(CHART.bars(bars, title="t", sentence="s", target=2))
        svg = found.find(f"{SVG}svg")
        assert svg is not None
        assert svg.get("role") == "group"
        assert [link.get("href") for link in found.iter(f"{SVG}a")] == ["/rows?d=1"]


class TestTiles:
    def test_zibo(self) -> None:
        """Eight districts and counties, each once, none on another, and it says that it is no map."""
        assert len({tile.code for tile in tiles.zibo()}) == 8
        assert len({(tile.column, tile.row) for tile in tiles.zibo()}) == 8
        found = figure(CHART.tiles({"370303": Bar("张店区", 12, "12%")}, title="t", sentence="s"))
        text = "".join(found.itertext())
        assert "不表示行政区域界线" in text
        assert "12%" in text

    def test_classes(self) -> None:
        """Higher values are darker; a missing one is white and says so."""
        values = {tile.code: Bar(tile.name, number) for number, tile in enumerate(tiles.zibo()[:-1])}
        found = figure(CHART.tiles(values, title="t", sentence="s"))
        fills = [rect.get("fill") for rect in found.iter(f"{SVG}rect")]

        assert len(set(fills[:-1])) == 5
        assert fills[-1] == "#ffffff"


class TestSparkline:
    def test_sentence(self) -> None:
        """It is a picture with a sentence."""
        svg = figure(CHART.sparkline([1, 3, 2], sentence="先升后降"))

        assert svg.get("aria-label") == "先升后降"
