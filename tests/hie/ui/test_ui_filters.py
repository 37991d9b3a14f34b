"""Dates, numbers and senders' words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from hie.ui.filters import age, day, masked, moment, number, zh


class TestDates:
    @pytest.mark.parametrize(
        ("value", "chinese", "english"),
        [
            ("2026", "2026年", "2026"),
            ("2026-03", "2026年3月", "Mar 2026"),
            ("2026-03-05", "2026年3月5日", "5 Mar 2026"),
            (date(2026, 3, 5), "2026年3月5日", "5 Mar 2026"),
            ("2026-03-05T20:30:00Z", "2026年3月6日", "6 Mar 2026"),
            (None, "", ""),
            ("", "", ""),
        ],
    )
    def test_day(self, value: str | date | None, chinese: str, english: str) -> None:
        """As precise as it was given, in the region's time."""
        assert day(value, "zh_CN") == chinese
        assert day(value, "en_GB") == english

    def test_moment(self) -> None:
        """A time of day where there is one, in the region's time."""
        assert moment("2026-03-05T20:30:00Z", "zh-CN") == "2026年3月6日 04:30"
        assert moment(datetime(2026, 3, 5, 20, 30, tzinfo=UTC), "en") == "6 Mar 2026, 04:30"
        assert moment("2026-03-05", "zh-CN") == "2026年3月5日"

    def test_age(self) -> None:
        """Full years; the birthday itself counts."""
        assert age("2000-03-05", date(2026, 3, 4)) == "25"
        assert age("2000-03-05", date(2026, 3, 5)) == "26"
        assert age(None) == ""


class TestNumbers:
    def test_decimals_stay(self) -> None:
        """1.50 is not 1.5: a laboratory's decimals say how exact it was."""
        assert number(Decimal("1.50"), "zh_CN") == "1.50"
        assert number("1234.5", "en_GB") == "1,234.5"
        assert number(7, "zh_CN") == "7"
        assert number("<0.1", "zh_CN") == "<0.1"
        assert number(None, "zh_CN") == ""


class TestWords:
    def test_masked(self) -> None:
        """An ID number shows its ends."""
        assert masked("370303198506120428") == "3703**********0428"
        assert masked("13905330001") == "13*******01"
        assert masked("12") == "**"

    def test_language_of_parts(self) -> None:
        """Chinese on an English page says that it is Chinese, and stays text."""
        assert zh("张<医生>", "en") == '<span lang="zh-CN">张&lt;医生&gt;</span>'
        assert zh("张医生", "zh-CN") == "张医生"
        assert zh("plain", "en") == "plain"
        assert zh("𠮷田", "en") == '<span lang="zh-CN">𠮷田</span>'
