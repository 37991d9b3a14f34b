"""The invariants of R4: all of them are evaluated, and each kind is kept and broken by somebody."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from profile_samples import OBSERVATION, PATIENT, changed

from records.validation import validate
from records.validation.profiles import check_bindings, check_invariants
from records.validation.profiles.by_hand import BY_HAND
from records.validation.profiles.engine import compiled
from records.validation.profiles.invariants import BY_STRUCTURE, asked_of, by_law, invariants, unreadable
from records.validation.profiles.vocabulary import NO_VOCABULARY

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[4]
QUESTIONNAIRE: Json = {
    "resourceType": "Questionnaire", "status": "active",
    "item": [{"linkId": "1", "type": "boolean"}, {"linkId": "2", "type": "string"}],
}  # fmt: skip
VALUE_SET: Json = {
    "resourceType": "ValueSet", "status": "active", "name": "Vs",
    "expansion": {"timestamp": "2026-01-01", "contains": [{"system": "urn:a", "code": "1"}]},
}  # fmt: skip


def item(**elements: Any) -> Json:
    """A questionnaire whose second item is so."""
    return changed(QUESTIONNAIRE, item=[QUESTIONNAIRE["item"][0], {"linkId": "2", "type": "string"} | elements])


def broken(resource: Json) -> list[tuple[str, str, str]]:
    """Severity, key and place of what is broken in a resource of which the gate has nothing to say."""
    assert validate(resource) == []
    found = [(one.severity, one.text.partition(":")[0], one.expression) for one in check_invariants(resource)]
    return [one for one in found if one[1] != "dom-6"]


def contains(**elements: Any) -> Json:
    """A value set whose expansion lists this."""
    return changed(VALUE_SET, expansion={"timestamp": "2026-01-01", "contains": [elements]})


def dated(**elements: Any) -> Json:
    """A library that needs data filtered by a date."""
    return {
        "resourceType": "Library", "status": "active", "type": {"text": "x"}, "name": "L",
        "dataRequirement": [{"type": "Observation", "dateFilter": [elements]}],
    }  # fmt: skip


class TestCoverage:
    def test_all_evaluated(self) -> None:
        """Nothing of the definitions is left out: the engine reads whatever has no law of ours."""
        assert unreadable() == {}
        asked = [one for path in invariants() for one in asked_of(path) if one.key not in BY_HAND]
        assert all(compiled(one.expression) for one in asked)

    def test_counts(self) -> None:
        """How they are evaluated, as the documentation says it."""
        count = Counter[str]()
        for path, rules in invariants().items():
            for one in rules:
                laws = "laws" if one.key in by_law(path) else "hand" if one.key in BY_HAND else "engine"
                count["structure" if one.key in BY_STRUCTURE else laws] += 1
        text = (ROOT / "docs" / "fhir" / "validation.md").read_text()

        assert f"| all | {count.total()} |" in text
        assert {how: f"| {count[how]} |" in text for how in count} == dict.fromkeys(count, True)
        assert f"{len({one.key for rules in invariants().values() for one in rules})} different keys" in text


class TestKept:
    @pytest.mark.parametrize(
        "resource",
        [
            PATIENT, OBSERVATION, QUESTIONNAIRE, VALUE_SET,
            item(enableWhen=[{"question": "1", "operator": "exists", "answerBoolean": True}]),
            item(type="choice", answerOption=[{"valueString": "a"}]),
            contains(display="a group", abstract=True),
            dated(path="effective"),
            dated(searchParam="date"),
            {"resourceType": "TerminologyCapabilities", "status": "active", "date": "2026", "kind": "instance",
             "name": "T", "implementation": {"description": "x"},
             "codeSystem": [{"version": [{"code": "1"}, {"code": "2"}]}]},
            {"resourceType": "CareTeam", "participant": [
                {"member": {"reference": "Practitioner/1"}, "onBehalfOf": {"reference": "Organization/1"}}]},
            {"resourceType": "RiskAssessment", "status": "final", "subject": {"reference": "Patient/1"},
             "prediction": [{"probabilityDecimal": 12.5}]},
        ],
    )  # fmt: skip
    def test_nothing_found(self, resource: Json) -> None:
        """What keeps the rules is not accused."""
        assert broken(resource) == []


class TestBroken:
    @pytest.mark.parametrize(
        ("resource", "key", "place"),
        [
            (item(type="display", readOnly=True), "que-9", "Questionnaire.item[1]"),
            (item(type="display", required=True), "que-6", "Questionnaire.item[1]"),
            (item(type="group"), "que-1", "Questionnaire.item[1]"),
            (item(linkId="1"), "que-2", "Questionnaire"),
            (item(enableWhen=[{"question": "1", "operator": "exists", "answerString": "x"}]), "que-7",
             "Questionnaire.item[1].enableWhen[0]"),
            (item(answerOption=[{"valueString": "a"}], answerValueSet="http://x.org/vs", type="choice"), "que-4",
             "Questionnaire.item[1]"),
            (contains(system="urn:a"), "vsd-6", "ValueSet.expansion.contains[0]"),
            (contains(display="a"), "vsd-9", "ValueSet.expansion.contains[0]"),
            (contains(code="a"), "vsd-10", "ValueSet.expansion.contains[0]"),
            (dated(path="effective", searchParam="date"), "drq-2", "Library.dataRequirement[0].dateFilter[0]"),
            (changed(OBSERVATION, referenceRange=[{"low": {"value": 1, "comparator": "<"}}]), "sqty-1",
             "Observation.referenceRange[0].low"),
            ({"resourceType": "CareTeam", "participant": [
                {"member": {"reference": "Patient/1"}, "onBehalfOf": {"reference": "Organization/1"}}]},
             "ctm-1", "CareTeam.participant[0]"),
            ({"resourceType": "RiskAssessment", "status": "final", "subject": {"reference": "Patient/1"},
              "prediction": [{"probabilityDecimal": 112.5}]}, "ras-2", "RiskAssessment.prediction[0]"),
            ({"resourceType": "CodeSystem", "status": "active", "content": "complete", "name": "C",
              "concept": [{"code": "a"}, {"code": "a"}]}, "csd-1", "CodeSystem"),
            ({"resourceType": "ConceptMap", "status": "active", "name": "C", "group": [
                {"element": [{"code": "a", "target": [{"code": "b", "equivalence": "inexact"}]}]}]},
             "cmd-1", "ConceptMap.group[0].element[0].target[0]"),
            ({"resourceType": "CapabilityStatement", "status": "active", "date": "2026", "kind": "instance",
              "name": "C", "implementation": {"description": "x"}, "fhirVersion": "4.0.1", "format": ["json"]}, "cpb-1",
             "CapabilityStatement"),
            ({"resourceType": "SearchParameter", "url": "http://x.org/s", "name": "S", "status": "active", "code": "s",
              "description": "x", "base": ["Patient"], "type": "string", "chain": ["a"], "expression": "Patient.name"},
             "spd-2", "SearchParameter"),
        ],
    )  # fmt: skip
    def test_told(self, resource: Json, key: str, place: str) -> None:
        """What breaks a rule is told, with its key and place."""
        found = [(one[1], one[2]) for one in broken(resource) if one[0] == "error"]

        assert (key, place) in found

    def test_warning(self) -> None:
        """What the definitions call a warning is one."""
        unnamed = changed(VALUE_SET, name="not a name of code")

        assert broken(unnamed) == [("warning", "vsd-0", "ValueSet")]

    def test_trace_is_not_written(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A rule that traces does not put a record into the logs."""
        contained = [{"resourceType": "Organization", "id": "o", "name": "x"}]
        check_invariants(changed(PATIENT, contained=contained, managingOrganization={"reference": "#o"}))

        assert capsys.readouterr() == ("", "")


class TestBindings:
    @pytest.mark.parametrize(
        ("content_type", "expected"),
        [("image/png", []), ("application/fhir+json; fhirVersion=4.0", []), ("png", ["Patient.photo[0].contentType"])],
    )
    def test_media_types(self, content_type: str, expected: list[str]) -> None:
        """By the grammar of media types."""
        photo = changed(PATIENT, photo=[{"contentType": content_type}])

        assert [one.expression for one in check_bindings(photo, NO_VOCABULARY)] == expected

    def test_currencies(self) -> None:
        """A currency is one of ISO 4217."""
        account: Json = {
            "resourceType": "Invoice", "status": "draft", "totalNet": {"value": 1, "currency": "CNY"},
            "totalGross": {"value": 1, "currency": "RMB"},
        }  # fmt: skip

        assert [(one.code, one.expression) for one in check_bindings(account, NO_VOCABULARY)] == [
            ("code-invalid", "Invoice.totalGross.currency")
        ]
