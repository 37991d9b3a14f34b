"""Bed-days are midnights inside a window."""

from __future__ import annotations

from datetime import date

import pytest

from hie.applications.drug_supervision.rules import rules_on
from hie.applications.drug_supervision.stays import Stay, bed_days, setting_of, stay_of
from hie.indicators.indicator import Window

NOVEMBER, TODAY = Window.month(2026, 11), date(2026, 11, 24)
RULES = rules_on(TODAY)


def days(start: str, end: str = "", *, today: date = date(2027, 1, 5)) -> tuple[int, str]:
    stay = Stay("e", "f", "p", date.fromisoformat(start), date.fromisoformat(end) if end else None)
    return bed_days(stay, NOVEMBER, today, RULES)


class TestBedDays:
    @pytest.mark.parametrize(
        ("start", "end", "expected"),
        [
            ("2026-11-03", "2026-11-06", 3),
            ("2026-10-28", "2026-11-02", 1),
            ("2026-11-29", "2026-12-04", 2),
            ("2026-10-01", "2026-12-31", 30),
            ("2026-11-30", "2026-12-01", 1),
            ("2026-10-20", "2026-11-01", 0),
            ("2026-12-01", "2026-12-05", 0),
            ("2026-11-05", "2026-11-05", 0),
        ],
    )
    def test_clipped(self, start: str, end: str, expected: int) -> None:
        """The day of admission counts, that of discharge does not; what lies outside of the month does not."""
        assert days(start, end) == (expected, "")

    def test_going_on(self) -> None:
        """Who is still there counts up to today."""
        assert days("2026-11-20", today=TODAY) == (4, "")

    def test_never_ended(self) -> None:
        """A stay whose discharge was never told is shown, and fills no bed."""
        assert days("2026-01-05", today=TODAY) == (0, "never-ended")

    def test_without_admission(self) -> None:
        """A stay that does not say when it began cannot be counted, in the month of its end or of its telling."""
        ended, nothing = Stay("e", "f", "p", None, date(2026, 11, 3)), Stay("e", "f", "p", None, None, TODAY)

        assert bed_days(ended, NOVEMBER, TODAY, RULES) == (0, "missing-admission")
        assert bed_days(nothing, NOVEMBER, TODAY, RULES) == (0, "missing-admission")
        assert bed_days(nothing, Window.month(2026, 10), TODAY, RULES) == (0, "")

    def test_not_yet(self) -> None:
        """A stay that never ended is no problem of the months before it began."""
        stay = Stay("e", "f", "p", date(2026, 1, 5), None)

        assert bed_days(stay, Window.month(2025, 12), TODAY, RULES) == (0, "")


class TestStayOf:
    def test_cancelled(self) -> None:
        """A cancelled admission was none; an outpatient has no bed."""
        inpatient = {"id": "e", "status": "cancelled", "class": {"code": "IMP"}}

        assert stay_of(inpatient, "f", RULES) is None
        assert stay_of(inpatient | {"status": "finished", "class": {"code": "AMB"}}, "f", RULES) is None

    def test_region_day(self) -> None:
        """Half past five in the afternoon in Greenwich is the next day in the region."""
        found = stay_of(
            {"id": "e", "status": "finished", "class": {"code": "IMP"}, "period": {"start": "2026-10-31T17:30:00Z"}},
            "f",
            RULES,
        )

        assert found is not None
        assert found.start == date(2026, 11, 1)

    @pytest.mark.parametrize(("code", "setting"), [("ACUTE", "inpatient"), ("EMER", "outpatient"), ("住", "")])
    def test_setting(self, code: str, setting: str) -> None:
        """A class that nobody knows is no setting."""
        assert setting_of({"class": {"code": code}}, RULES) == setting
