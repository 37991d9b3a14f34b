"""The demo region is made by seed: the same every time, and valid where it claims to be."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from hie.simulation.people import CHECKS, WEIGHTS, Population
from hie.simulation.plan import Planner

TODAY = date(2026, 11, 24)


class TestPopulation:
    def test_same_seed(self) -> None:
        """The same seed makes the same people, another one other people."""
        first = Population(7, 60, TODAY).residents()

        assert first == Population(7, 60, TODAY).residents()
        assert first[2:] != Population(8, 60, TODAY).residents()[2:]

    def test_id_numbers(self) -> None:
        """Every ID number is unique, carries the birth date and sex, and passes GB 11643."""
        people = Population(7, 300, TODAY).residents()

        assert len({one.id_number for one in people}) == 300
        for one in people:
            assert one.id_number[6:14] == f"{one.birth:%Y%m%d}"
            assert int(one.id_number[16]) % 2 == (one.sex == "male")
            total = sum(int(digit) * weight for digit, weight in zip(one.id_number, WEIGHTS, strict=False))
            assert one.id_number[17] == CHECKS[total % 11]

    def test_hard_cases(self) -> None:
        """There are twins, movers, shared phones and names outside the basic plane."""
        people = Population(7, 2_000, TODAY).residents()

        assert any(one.twin for one in people)
        assert any(one.moved_from for one in people)
        assert any(ord(letter) > 0xFFFF for one in people for letter in one.name)
        assert len({one.phone for one in people}) < len(people)

    def test_nobody_is_born_tomorrow(self) -> None:
        """All births lie in the past."""
        assert all(one.birth < TODAY for one in Population(3, 2_000, TODAY).residents())


class TestMisheard:
    def test_one_digit(self) -> None:
        """A slip is one digit of the birth date, on every day of the year, and nothing else that could identify."""
        for one in Population(3, 2_000, TODAY).residents():
            slip = one.misheard(9)
            apart = sum(a != b for a, b in zip(slip.birth.isoformat(), one.birth.isoformat(), strict=True))
            assert apart == 1
            assert (slip.name, slip.id_number, slip.phone, slip.address) == (one.name, "", "", "")


class TestPlanner:
    def test_same_plan(self) -> None:
        """Seed, size and day decide every byte."""
        first, second = (Planner(5, 30, TODAY).plan() for _ in range(2))

        assert first.hospitals == second.hospitals
        assert first.clinics == second.clinics
        assert first.truth == second.truth

    def test_order(self) -> None:
        """What a hospital sends is in order of time, and nothing lies after the day of the plan."""
        plan = Planner(5, 60, TODAY).plan()

        for told in plan.hospitals.values():
            moments = [moment for moment, _, _ in told]
            assert moments == sorted(moments)
            assert all(moment <= datetime.combine(TODAY, time(0), UTC) for moment in moments)

    def test_breadth(self) -> None:
        """All message families and at least twenty institutions of eight districts take part."""
        plan = Planner(5, 200, TODAY).plan()
        kinds = {kind for told in plan.hospitals.values() for _, kind, _ in told}

        assert {"ADT^A01", "ADT^A03", "ADT^A04", "ADT^A08", "ADT^A40", "ORM^O01", "ORU^R01"} <= kinds
        assert {"RDE^O11", "RDS^O13", "VXU^V04", "SIU^S12", "MDM^T02"} <= kinds
        assert len(plan.institutions) >= 20
        assert len({one["district"] for one in plan.institutions}) == 8

    def test_control_ids(self) -> None:
        """No hospital uses a control id twice."""
        for told in Planner(5, 100, TODAY).plan().hospitals.values():
            ids = [raw.split(b"|")[9] for _, _, raw in told]
            assert len(set(ids)) == len(ids)
