"""Texts that sort as what they stand for."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.errors import UnknownParameter
from records.search import date, number
from records.search.text import normal, sortable
from records.search.units import canonical
from records.search.values import plain, prefixed, split

decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30)


class TestNumbers:
    @given(decimals, decimals)
    def test_order(self, a: Decimal, b: Decimal) -> None:
        """Texts of numbers compare as the numbers do."""
        assert (number.encode(a) < number.encode(b)) == (a < b)
        assert (number.encode(a) == number.encode(b)) == (a == b)

    def test_precision(self) -> None:
        """A number stands for all that are rounded to it."""
        wanted = number.asked("5.40")

        assert (wanted.low, wanted.high) == (Decimal("5.395"), Decimal("5.405"))

    @pytest.mark.parametrize("text", ["", "five", "1e9999", "NaN", "gt"])
    def test_none(self, text: str) -> None:
        """What is no number is refused."""
        with pytest.raises(UnknownParameter):
            number.asked(text)


class TestDates:
    @pytest.mark.parametrize(
        ("text", "start", "end"),
        [
            ("2024-02", "2024-01-31T16:00:00.000", "2024-02-29T15:59:59.999"),
            ("2024", "2023-12-31T16:00:00.000", "2024-12-31T15:59:59.999"),
            ("2024-03-05", "2024-03-04T16:00:00.000", "2024-03-05T15:59:59.999"),
            ("2024-03-05T10:00+08:00", "2024-03-05T02:00:00.000", "2024-03-05T02:00:59.999"),
            ("2024-03-05T10:00:01Z", "2024-03-05T10:00:01.000", "2024-03-05T10:00:01.999"),
            ("2024-03-05T10:00:01.5Z", "2024-03-05T10:00:01.500", "2024-03-05T10:00:01.500"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000", "2016-12-31T23:59:59.999"),
        ],
    )
    def test_span(self, text: str, start: str, end: str) -> None:
        """Every precision is a span; days are the region's."""
        assert date.span(text) == (start, end)

    @pytest.mark.parametrize("text", ["2024-13", "2024-02-30", "yesterday", "24-01-01", ""])
    def test_none(self, text: str) -> None:
        """What is no date is none."""
        assert date.span(text) is None

    @pytest.mark.parametrize("text", ["0001", "9999", "9999-12-31", "0001-01-01T00:00:00+14:00"])
    def test_edges_of_time(self, text: str) -> None:
        """The first and the last years have spans too."""
        found = date.span(text)

        assert found is not None and found.start <= found.end


class TestText:
    def test_normal(self) -> None:
        """Case, accents, width and spare blanks make no difference."""
        assert normal("  MÜLLER\u3000Ａ ") == "muller a"

    def test_pinyin(self) -> None:
        """Chinese names are in the order of their sound."""
        assert sorted(["张", "李", "王", "阿"], key=sortable) == ["阿", "李", "王", "张"]


class TestValues:
    def test_split(self) -> None:
        """An escaped separator separates nothing."""
        assert split(r"a\,b,c\\,d", ",") == [r"a\,b", r"c\\", "d"]
        assert plain(r"a\,b\|\$\\") == r"a,b|$" + "\\"

    def test_prefix(self) -> None:
        """A prefix is two letters; others are refused."""
        assert prefixed("ge2024") == ("ge", "2024")
        assert prefixed("2024") == ("eq", "2024")
        with pytest.raises(UnknownParameter):
            prefixed("xx2024")


class TestUnits:
    def test_same_base(self) -> None:
        """Milligrams and grams are one thing; degrees Celsius have no factor."""
        gram, milligram = canonical("g"), canonical("mg")

        assert gram is not None and milligram is not None
        assert gram[0] == milligram[0]
        assert gram[1] == 1000 * milligram[1]
        assert canonical("Cel") is None
        assert canonical("no unit") is None
