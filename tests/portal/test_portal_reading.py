"""Reading resources: values, marks, looks, cursors. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from portal_record import access, sugar

from portal.accesses import accesses
from portal.concepts import words
from portal.events import department_of, from_cursor, to_cursor
from portal.measured import drawable, latest, readings, series, unit_of
from portal.plain import term


def observation(**more: Any) -> dict[str, Any]:
    """An Observation of one test."""
    return {"resourceType": "Observation", "id": "o", "code": {"text": "甲"}, **more}


class TestReadings:
    def test_marks(self) -> None:
        """The laboratory's own word counts; without one the range decides; without both nothing is claimed."""
        said = {"interpretation": [{"coding": [{"code": "LL"}]}]}
        ranged = {"referenceRange": [{"low": {"value": 1}, "high": {"value": 2}}]}
        value = {"valueQuantity": {"value": Decimal("3")}}

        assert readings(observation(**value, **ranged, **said))[0].mark == "low"
        assert readings(observation(**value, **ranged))[0].mark == "high"
        assert readings(observation(**value))[0].mark == ""

    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            ({"valueQuantity": {"value": Decimal("1.50"), "unit": "g"}}, "1.50"),
            ({"valueQuantity": {"value": Decimal("0.1"), "comparator": "<"}}, "<0.1"),
            ({"valueString": "阳性"}, "阳性"),
            ({"valueCodeableConcept": {"text": "A型"}}, "A型"),
            ({"valueInteger": 3}, "3"),
            ({"dataAbsentReason": {"text": "标本溶血"}}, "标本溶血"),
        ],
    )
    def test_values(self, given: dict[str, Any], shown: str) -> None:
        """Every kind of value is shown as it was written."""
        assert readings(observation(**given))[0].value == shown

    def test_empty(self) -> None:
        """An observation without a value is no result."""
        assert readings(observation()) == []

    def test_units(self) -> None:
        """Units are printed as in a book."""
        assert unit_of("10^9/L") == "10⁹/L"
        assert unit_of("umol/L") == "μmol/L"
        assert unit_of("U/L") == "U/L"

    def test_latest(self) -> None:
        """One value a test, the newest."""
        found = latest([sugar("a", "2026-01-01", "5", "N"), sugar("b", "2026-02-01", "6", "N")])

        assert [one.value for one in found] == ["6.0"]

    def test_another_unit(self) -> None:
        """Numbers in another unit do not go into the same picture."""
        other = sugar("c", "2025-01-01", "99", "N")
        other["valueQuantity"]["unit"] = "mg/dL"
        values = series([other, sugar("a", "2026-01-01", "5", "N")], "http://loinc.org|14771-0")

        assert [one.value for one in drawable(values)] == ["5.0"]


class TestAccesses:
    def test_one_look(self) -> None:
        """Requests of one person within half an hour are one look; another reason or hour is another."""
        rows = accesses(
            [
                access("1", "2026-11-20T05:00:00Z", "张", "clinician", "TREAT", "Patient/x/Observation?code=y"),
                access("2", "2026-11-20T03:00:00Z", "张", "clinician", "ETREAT", "Condition"),
                access("3", "2026-11-20T02:20:00Z", "张", "clinician", "TREAT", "Condition"),
                access("4", "2026-11-20T02:00:00Z", "张", "clinician", "TREAT", "Observation"),
            ]
        )

        assert [(one.times, one.emergency, one.opened) for one in rows] == [
            (1, False, ("化验与测量结果",)),
            (1, True, ("诊断",)),
            (2, False, ("诊断", "化验与测量结果")),
        ]

    def test_unreadable(self) -> None:
        """An event that says little is still shown."""
        event = {"resourceType": "AuditEvent", "recorded": "2026-11-20T05:00:00Z", "entity": [{"query": "%"}]}
        (row,) = accesses([event])

        assert row.opened == ("其他内容",)
        assert row.person == ""


class TestWords:
    def test_term(self) -> None:
        """A known code has an English name and an explanation, by its class where only that is known."""
        concept = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "E11.9"}], "text": "2型糖尿病"}

        assert term(concept).english == "Type 2 diabetes"
        assert term({"text": "罕见病"}).explained == ""

    def test_fallbacks(self) -> None:
        """Text before display before code."""
        assert words({"coding": [{"code": "c", "display": "d"}]}) == "d"
        assert words({"coding": [{"code": "c"}]}) == "c"
        assert words(None) == ""

    def test_department(self) -> None:
        """A bare code of a service type is not shown as a department."""
        bare = {"class": {"code": "IMP"}, "serviceType": {"coding": [{"code": "MED"}], "text": "MED"}}

        assert department_of(bare) == "住院"


class TestCursor:
    def test_round_trip(self) -> None:
        """A place in the timeline survives its address, and shows no date there."""
        moment = datetime(2026, 11, 16, 9, 20, tzinfo=UTC)

        assert from_cursor(to_cursor(moment)) == moment
        assert "2026" not in to_cursor(moment)

    @pytest.mark.parametrize("text", ["", "x", "!!", "AAAA", "MjAyNg"])
    def test_nonsense(self, text: str) -> None:
        """What is not ours is no place."""
        assert from_cursor(text) is None or text == "MjAyNg"
