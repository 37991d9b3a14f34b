"""Regular expressions that mean "at most" and "at least", and cells that cover a circle."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.search import filter_grammar as grammar
from records.search import near, number
from records.search.extract import Value
from records.search.near import Point
from records.search.ranges import at_least, at_most

texts = st.text("0129T:-~", max_size=6)
wanted = st.text("0129T:-~", min_size=1, max_size=6)
numbers = st.decimals(-1000, 1000, places=2)
latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)


class TestOrder:
    @given(wanted, texts)
    def test_bounds(self, bound: str, text: str) -> None:
        """They match what compares so."""
        assert bool(re.fullmatch(at_most(bound), text)) == (text <= bound)
        assert bool(re.fullmatch(at_most(bound, inclusive=False), text)) == (text < bound)
        assert bool(re.fullmatch(at_least(bound), text)) == (text >= bound)

    @given(st.sampled_from(["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]), numbers, numbers)
    def test_prefixes(self, prefix: str, asked: Decimal, value: Decimal) -> None:
        """A number in the middle of a key is compared with its prefix."""
        one = number.asked(f"{prefix}{asked}")
        inside = one.low <= value < one.high
        expected = {
            "eq": inside, "ne": not inside, "gt": value > asked, "sa": value > asked, "lt": value < asked,
            "eb": value < asked, "ge": value >= asked, "le": value <= asked, "ap": one.low <= value <= one.high,
        }[prefix]  # fmt: skip

        assert bool(re.match(f"^{number.pattern(one)}\\$", number.encode(value) + "$1")) == expected


class TestCells:
    @given(latitudes, longitudes, latitudes, longitudes, st.floats(0, 25_000))
    def test_cover(self, north: float, east: float, up: float, aside: float, km: float) -> None:
        """A place within the distance has a key that is asked for."""
        center, place = Point(north, east), Point(up, aside)
        if near.distance(center, place) > km:
            return
        keys = near.keys("near", Value("", {"latitude": up, "longitude": aside}))
        asked = near.query("near", "", f"{north!r}|{east!r}|{km!r}")["$and"][0]["k"]

        assert set(keys) & set([asked] if isinstance(asked, str) else asked["$in"])

    @pytest.mark.parametrize(
        ("one", "other", "km"),
        [((0, 0), (0, 1), 111.195), ((36.8, 118.0), (36.8, 118.0), 0), ((90, 0), (-90, 50), 20015.115)],
    )
    def test_distance(self, one: tuple[float, float], other: tuple[float, float], km: float) -> None:
        """Along the sphere."""
        assert near.distance(Point(*one), Point(*other)) == pytest.approx(km, abs=0.01)


class TestGrammar:
    def test_tree(self) -> None:
        """From left to right; a restriction is part of its step."""
        found = grammar.parse('a[b eq c].d sw "x y" and not (e pr true) or f eq g')

        first = grammar.Test(
            (grammar.Step("a", grammar.Test((grammar.Step("b"),), "eq", "c", 3)), grammar.Step("d")), "sw", "x y", 1
        )
        negated = grammar.Not(grammar.Test((grammar.Step("e"),), "pr", "true", 31))
        assert found == grammar.Logical(
            "or", grammar.Logical("and", first, negated), grammar.Test((grammar.Step("f"),), "eq", "g", 45)
        )
