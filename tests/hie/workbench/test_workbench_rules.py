"""The pure parts: reasons, search criteria, banner, timeline, what is written into the trail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hie.access.caller import Caller
from hie.applications.work import Reader
from hie.workbench import grants, search, timeline
from hie.workbench.auditing import shown
from hie.workbench.banner import Facts, card
from hie.workbench.grants import Grant
from records.stored import Json, Stored, encode
from tests.hie.workbench.workbench_people import patient

AT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
ICD = "http://hl7.org/fhir/sid/icd-10"


def stored(resource: Json, *patients: str, version: int = 1) -> Stored:
    return Stored(resource["resourceType"], resource["id"], version, AT, encode(resource), patients=patients)


def condition(code: str, **more: Any) -> Json:
    return {"resourceType": "Condition", "id": "c", "code": {"coding": [{"system": ICD, "code": code}]}, **more}


class TestReasons:
    def test_good(self) -> None:
        """A purpose of the role and a sentence are enough."""
        assert grants.check("clinician", "TREAT", "门诊复诊", confirmed=False) == {}

    @pytest.mark.parametrize(
        ("role", "purpose", "reason", "confirmed", "wrong"),
        [
            ("clinician", "", "门诊复诊", False, "purpose"),
            ("clinician", "PUBHLTH", "流行病学调查", False, "purpose"),
            ("pharmacist", "ETREAT", "患者昏迷，急诊抢救需要过敏史", True, "purpose"),
            ("clinician", "TREAT", "看", False, "reason"),
            ("clinician", "TREAT", "看" * 301, False, "reason"),
            ("clinician", "ETREAT", "急诊抢救", True, "reason"),
            ("clinician", "ETREAT", "患者昏迷，急诊抢救需要过敏史", False, "confirmed"),
        ],
    )
    def test_wrong(self, role: str, purpose: str, reason: str, confirmed: bool, wrong: str) -> None:
        """Each mistake is said at its field; an emergency asks for more."""
        assert wrong in grants.check(role, purpose, reason, confirmed=confirmed)

    def test_emergency_ends(self) -> None:
        """A broken glass closes again after four hours; another reason lasts as long as its session."""
        emergency, plain = Grant("p", "ETREAT", "x", AT), Grant("p", "TREAT", "x", AT)

        assert emergency.holds(AT + timedelta(hours=3))
        assert not emergency.holds(AT + timedelta(hours=4))
        assert plain.holds(AT + timedelta(hours=9))


class TestCriteria:
    def test_tidied(self) -> None:
        """A birth date is understood as people write it, blanks and unknown fields go."""
        asked = search.criteria({"name": " 王晓梅 ", "birth": "1985年06月12日", "phone": "", "csrf": "x"})

        assert asked == {"name": "王晓梅", "birth": "1985-06-12"}
        assert search.to_params(asked) == (("name", "王晓梅"), ("birthdate", "1985-06-12"))

    def test_number(self) -> None:
        """A number is searched as an identifier; signs with a meaning in FHIR lose it."""
        assert search.to_params({"number": "37030319850612042x"}) == (("identifier", "37030319850612042X"),)
        assert search.to_params({"number": "a|b,c"}) == (("identifier", "a\\|b\\,c"),)

    @pytest.mark.parametrize(
        ("asked", "wrong"),
        [
            ({}, "number"),
            ({"birth": "1985"}, "number"),
            ({"name": "王晓梅"}, "birth"),
            ({"number": "1", "birth": "x"}, "birth"),
        ],
    )
    def test_wrong(self, asked: dict[str, str], wrong: str) -> None:
        """Nothing to go by, and a name alone, are refused."""
        assert wrong in search.check(asked, "clinician")

    def test_emergency(self) -> None:
        """Only a role that may break the glass does, and says why."""
        asked = {"name": "王晓梅", "birth": "1985", "emergency": "1", "reason": "患者昏迷，急诊抢救需要过敏史"}

        assert search.check(asked, "clinician") == {}
        assert "emergency" in search.check(asked, "pharmacist")
        assert "reason" in search.check({**asked, "reason": "急"}, "clinician")


class TestBanner:
    def test_facts(self) -> None:
        """Name, masked number, open allergies with the dangerous first, chronic diseases, consent, and why."""
        allergies = [
            {"code": {"text": "花粉"}, "criticality": "low"},
            {"code": {"text": "青霉素"}, "criticality": "high"},
            {"code": {"text": "磺胺"}, "clinicalStatus": {"coding": [{"code": "resolved"}]}},
        ]
        facts = Facts([patient("p1")], allergies, [condition("I10.x02"), condition("E11.9")])
        found = card(facts, why="转诊 R-1", emergency=False)

        assert (found.name, found.sex, found.born, found.reason) == ("王晓梅", "女", "1985-06-12", "转诊 R-1")
        assert found.identifier.startswith("3703")
        assert "19850612" not in found.identifier
        assert [tag.text for tag in found.allergies] == ["青霉素", "花粉"]
        assert [tag.text for tag in found.flags] == ["高血压", "糖尿病"]
        assert found.consent == "居民没有限制访问"

    def test_closed_and_foreign_codes(self) -> None:
        """A resolved diagnosis and a local code that begins like one make no flag."""
        resolved = condition("I10", clinicalStatus={"coding": [{"code": "resolved"}]})
        facts = Facts([patient("p1", deceasedBoolean=True)], (), [resolved, condition("CT-1")])
        found = card(facts, why="", emergency=False)

        assert [tag.text for tag in found.flags] == ["已故"]

    def test_refused(self) -> None:
        """A resident's refusal is said, and that an emergency passed over it."""
        refusal = {"resourceType": "Consent", "id": "r", "status": "active", "patient": {"reference": "Patient/p1"},
                   "scope": {"coding": [{"code": "patient-privacy"}]}, "provision": {"type": "deny"}}  # fmt: skip
        facts = Facts([patient("p1")], consents=[refusal])

        assert "限制" in card(facts, why="", emergency=False).consent
        assert "紧急" in card(facts, why="", emergency=True).consent


class TestTimeline:
    def test_order(self) -> None:
        """The latest first, in whatever zone it was written; what has no time comes last."""
        rows = [
            stored({"resourceType": "Condition", "id": "1", "code": {"text": "感冒"}}),
            stored({"resourceType": "Encounter", "id": "2", "period": {"start": "2026-01-02T08:00:00+08:00"}}),
            stored({"resourceType": "Immunization", "id": "3", "occurrenceDateTime": "2026-01-02T01:00:00Z"}),
        ]
        events = timeline.latest_first([timeline.event_of(row) for row in rows])

        assert [event.reference for event in events] == ["Immunization/3", "Encounter/2", "Condition/1"]

    def test_values(self) -> None:
        """A value keeps its decimals and unit, a composed one its parts, and how it lies is said in words."""
        pressure = {
            "resourceType": "Observation", "id": "1",
            "component": [
                {"code": {"text": "收缩压"}, "valueQuantity": {"value": 150, "unit": "mmHg"}},
                {"code": {"text": "舒张压"}, "valueQuantity": {"value": 95, "unit": "mmHg"}},
            ],
        }  # fmt: skip
        glucose = stored({
            "resourceType": "Observation", "id": "2",
            "valueQuantity": {"value": 7.10, "unit": "mmol/L", "comparator": ">"},
            "interpretation": [{"coding": [{"code": "H"}]}],
            "referenceRange": [{"low": {"value": 3.9}, "high": {"value": 6.1}}],
        }).resource()  # fmt: skip

        assert timeline.value_of(pressure) == "收缩压 150 mmHg；舒张压 95 mmHg"
        assert timeline.value_of(glucose) == ">7.1 mmol/L"
        assert timeline.range_of(glucose) == "3.9–6.1"
        assert [tag.text for tag in timeline.flags_of(glucose)] == ["偏高"]


class TestTrail:
    def test_entries(self) -> None:
        """One entry a human and search, one a resource read; each under the purpose of that record."""
        reader = Reader(None)  # type: ignore[arg-type]
        reader.seen = {
            "Condition/c": stored(condition("I10"), "p1"),
            "Condition/2": stored({**condition("E11"), "id": "2"}, "p1"),
            "Patient/p2": stored(patient("p2"), version=3),
            "Organization/o": stored({"resourceType": "Organization", "id": "o"}),
        }
        reader.asked = {"Condition/c": "Condition?patient=p1", "Condition/2": "Condition?patient=p1"}
        callers = {"p1": Caller(purpose="ETREAT"), "p2": Caller(purpose="TREAT")}

        entries = shown(reader, lambda one: callers[one])

        assert [(one.interaction, one.patient, one.caller.purpose) for one in entries] == [
            ("search", "p1", "ETREAT"), ("read", "p2", "TREAT"),
        ]  # fmt: skip
        assert (entries[1].resource_id, entries[1].version) == ("p2", 3)
