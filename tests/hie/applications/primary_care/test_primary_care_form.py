"""Reading the follow-up form: what is wrong is said by field."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from hie.applications.primary_care import form
from hie.applications.rule_data import rule_book

TODAY = date(2026, 11, 24)
RULES = rule_book("primary_care", "hypertension").at(TODAY)
FILLED = {
    "day": "2026-11-24", "method": "clinic", "systolic": "138", "diastolic": "86", "adherence": "regular",
    "adverse_reaction": "no", "complication": "no",
}  # fmt: skip


def errors(**changes: str) -> dict[str, str]:
    return form.read(FILLED | changes, (), TODAY, RULES)[1]


class TestRead:
    def test_whole(self) -> None:
        """A filled form is a value, with its medicines and the body mass index."""
        more = {"weight": "70.5", "height": "172", "medicine_1": "氨氯地平", "times_1": "1", "dose_1": "5 mg"}
        found, wrong = form.read(FILLED | more, ("headache", "chest-pain"), TODAY, RULES)

        assert not wrong
        assert found is not None
        assert (found.systolic, found.bmi) == (Decimal(138), Decimal("23.8"))
        assert found.medicines == (form.Medicine("氨氯地平", "1", "5 mg"),)
        assert found.symptoms == ("headache", "chest-pain")

    def test_empty(self) -> None:
        """Everything that the norm asks is asked at once."""
        found, wrong = form.read({}, (), TODAY, RULES)

        assert found is None
        assert {"day", "method", "systolic", "diastolic", "adherence", "adverse_reaction", "complication"} == set(wrong)

    @pytest.mark.parametrize("written", ["abc", "NaN", "Infinity", "1e9", "-5", "59", "301"])
    def test_pressure(self, written: str) -> None:
        """What is no plausible pressure is refused."""
        assert "systolic" in errors(systolic=written)

    def test_order(self) -> None:
        """The diastolic pressure is below the systolic."""
        assert errors(systolic="100", diastolic="100") == {"diastolic": form.WRONG_ORDER}

    def test_day(self) -> None:
        """Tomorrow has not been; a year ago is a slip of the pen."""
        assert errors(day="2026-11-25") == {"day": form.IN_FUTURE}
        assert errors(day="2025-11-24") == {"day": form.TOO_OLD}
        assert errors(day="24.11.2026") == {"day": form.NOT_A_DAY}

    def test_choice(self) -> None:
        """Values that no option has are refused."""
        assert errors(method="pigeon") == {"method": form.UNKNOWN}
        assert form.read(FILLED, ("plague",), TODAY, RULES)[1] == {"symptoms": form.UNKNOWN}

    def test_texts(self) -> None:
        """A text has an end, and a dose belongs to a medicine."""
        assert errors(advice="长" * 501) == {"advice": form.TOO_LONG}
        assert errors(dose_2="5 mg") == {"medicine_2": form.NAMELESS}
