"""Hypertension follow-up against the figures of region-1251, PHC-03."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from hie.applications.primary_care.rules import Assessment, FollowUpClass, Visit, add_months, age_on, assess
from hie.applications.rule_data import rule_book

DAY = date(2026, 11, 24)
BOOK = rule_book("primary_care", "hypertension")
RULES = BOOK.at(DAY)


def judge(
    systolic: int, diastolic: int, *, age: int = 50, previous: tuple[FollowUpClass, ...] = (), **found: object
) -> Assessment:  # fmt: skip
    visit = Visit(DAY, Decimal(systolic), Decimal(diastolic), **found)  # type: ignore[arg-type]
    return assess(visit, age, previous, RULES)


class TestClass:
    @pytest.mark.parametrize(
        ("systolic", "diastolic", "age", "code"),
        [
            (139, 89, 50, "1"),
            (140, 89, 50, "2"),
            (139, 90, 50, "2"),
            (149, 89, 65, "1"),
            (150, 89, 65, "2"),
            (145, 90, 70, "2"),
            (145, 80, 64, "2"),
        ],
    )
    def test_controlled(self, systolic: int, diastolic: int, age: int, code: str) -> None:
        """Below 140/90, from 65 years below 150/90, is controlled; the limit itself is not."""
        assert judge(systolic, diastolic, age=age).code == code

    def test_graver(self) -> None:
        """An adverse reaction counts more than the pressure, a complication more than both."""
        assert judge(120, 80, adverse_reaction=True).code == "3"
        assert judge(150, 95, adverse_reaction=True, complication=True).code == "4"


class TestNextVisit:
    def test_controlled(self) -> None:
        """Controlled: in three months."""
        assert judge(130, 80).next_visit == date(2027, 2, 24)

    def test_uncontrolled(self) -> None:
        """Not controlled, adverse reaction, complication: within two weeks."""
        found = [judge(150, 95), judge(120, 80, adverse_reaction=True), judge(120, 80, complication=True)]

        assert {one.next_visit for one in found} == {date(2026, 12, 8)}

    def test_danger(self) -> None:
        """A danger symptom brings even a controlled patient back within two weeks."""
        found = judge(120, 80, symptoms=("chest-pain",))

        assert (found.code, found.next_visit, found.refer) == ("1", date(2026, 12, 8), True)

    def test_end_of_month(self) -> None:
        """Three months after 30 November is the last of February."""
        assert add_months(date(2026, 11, 30), 3) == date(2027, 2, 28)
        assert add_months(date(2027, 11, 30), 3) == date(2028, 2, 29)


class TestReferral:
    @pytest.mark.parametrize(
        ("systolic", "diastolic", "danger"), [(180, 80, True), (150, 110, True), (179, 109, False)]
    )
    def test_danger(self, systolic: int, diastolic: int, danger: bool) -> None:
        """From 180 or from 110 on: refer at once."""
        found = judge(systolic, diastolic)

        assert (found.danger, found.refer, "danger" in found.reasons) == (danger, danger, danger)

    def test_twice(self) -> None:
        """The second time in a row that it is not controlled refers; the first changes the medicine."""
        first, second = judge(150, 95), judge(150, 95, previous=("2", "1"))

        assert (first.refer, first.change_medicine) == (False, True)
        assert (second.refer, second.reasons) == (True, ("repeated",))

    def test_not_in_a_row(self) -> None:
        """A controlled visit in between starts the count again; so does another class."""
        assert not judge(150, 95, previous=("1", "2")).refer
        assert not judge(150, 95, previous=("3",)).refer

    def test_persistent_reaction(self) -> None:
        """An adverse reaction that lasts refers, as does any complication at once."""
        assert judge(120, 80, adverse_reaction=True, previous=("3",)).reasons == ("repeated",)
        assert judge(120, 80, complication=True).reasons == ("complication",)


class TestVersions:
    def test_by_day(self) -> None:
        """The screening age is the one in force on the day, and the answer names its version."""
        assert BOOK.at(date(2026, 2, 28))["screening_age"] == 35
        assert BOOK.at(date(2026, 3, 1))["screening_age"] == 18
        assert judge(130, 80).rules == "2026.1"

    def test_honest(self) -> None:
        """No version claims to have been checked against the text of the norm."""
        assert not any(rules.verified for rules in BOOK.versions)
        assert all(rules.source for rules in BOOK.versions)


class TestAge:
    def test_birthday(self) -> None:
        """One turns 65 on the birthday."""
        assert age_on(date(1961, 11, 24), DAY) == 65
        assert age_on(date(1961, 11, 25), DAY) == 64
