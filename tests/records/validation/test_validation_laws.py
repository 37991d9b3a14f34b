"""Laws between elements, each broken once; the valid examples keep them all."""

from __future__ import annotations

from typing import Any

import pytest
from validation_examples import BUNDLE, CONDITION, MEDICATION_REQUEST, OBSERVATION, PATIENT, Json, changed, laws, places

TERMS = "http://terminology.hl7.org/CodeSystem/"
UCUM = "http://unitsofmeasure.org"
CODED: Json = {"text": "a"}
PERSON: Json = {"reference": "Patient/1"}


def status(system: str, code: str) -> Json:
    """A concept of HL7's own terminology."""
    return {"coding": [{"system": TERMS + system, "code": code}]}


ALLERGY: Json = {"resourceType": "AllergyIntolerance", "patient": PERSON, "code": CODED}
LIST: Json = {"resourceType": "List", "status": "current", "mode": "snapshot"}
ORGANIZATION: Json = {"resourceType": "Organization", "name": "医院"}
APPOINTMENT: Json = {
    "resourceType": "Appointment",
    "status": "proposed",
    "participant": [{"actor": PERSON, "status": "accepted"}],
}
FAMILY: Json = {
    "resourceType": "FamilyMemberHistory",
    "status": "completed",
    "patient": PERSON,
    "relationship": CODED,
}
TASK: Json = {"resourceType": "Task", "status": "ready", "intent": "order"}
CONSENT: Json = {
    "resourceType": "Consent",
    "status": "active",
    "scope": CODED,
    "category": [CODED],
    "policyRule": CODED,
}
COMPOSITION: Json = {
    "resourceType": "Composition",
    "status": "final",
    "type": CODED,
    "date": "2024",
    "author": [{"display": "a"}],
    "title": "a",
}
DOCUMENT: Json = {
    "resourceType": "Bundle",
    "type": "document",
    "identifier": {"system": "urn:x", "value": "1"},
    "timestamp": "2024-05-01T08:00:00Z",
    "entry": [{"fullUrl": "urn:uuid:1", "resource": COMPOSITION}],
}
STARTING = (ALLERGY | {"clinicalStatus": status("allergyintolerance-clinical", "active")}, LIST, ORGANIZATION,
            APPOINTMENT, FAMILY, TASK, CONSENT, COMPOSITION, DOCUMENT)  # fmt: skip


def repeat(**elements: Any) -> Json:
    """A prescription with this timing."""
    return changed(MEDICATION_REQUEST, dosageInstruction=[{"timing": {"repeat": elements}}])


def extension(**elements: Any) -> Json:
    """A patient with this extension."""
    return changed(PATIENT, extension=[{"url": "http://example.org/x"} | elements])


class TestKept:
    @pytest.mark.parametrize("resource", STARTING, ids=lambda one: one["resourceType"])
    def test_where_the_broken_ones_come_from(self, resource: Json) -> None:
        """Before the change there is nothing to complain about."""
        assert places(resource) == []


class TestDatatypes:
    @pytest.mark.parametrize(
        ("key", "resource"),
        [
            ("ext-1", extension()),
            ("ext-1", extension(valueString="a", extension=[{"url": "b", "valueString": "c"}])),
            ("per-1", changed(PATIENT, name=[{"text": "a", "period": {"start": "2021", "end": "2020-12-31"}}])),
            ("qty-3", extension(valueQuantity={"value": 1, "code": "mg"})),
            ("age-1", changed(CONDITION, onsetAge={"value": 50})),
            ("age-1", changed(CONDITION, onsetAge={"value": 50, "code": "a", "system": "urn:x"})),
            ("drt-1", extension(valueDuration={"value": 1, "code": "d", "system": "urn:x"})),
            ("rng-2", extension(valueRange={"low": {"value": 2}, "high": {"value": 1.5}})),
            ("rat-1", extension(valueRatio={"numerator": {"value": 1}})),
            ("cpt-2", changed(PATIENT, telecom=[{"value": "1"}])),
            ("att-1", changed(PATIENT, photo=[{"data": "AAAA"}])),
            ("exp-1", extension(valueExpression={"language": "text/fhirpath"})),
            ("tim-1", repeat(duration=1)),
            ("tim-2", repeat(frequency=1, period=1)),
            ("tim-4", repeat(duration=-1, durationUnit="d")),
            ("tim-5", repeat(period=-1, periodUnit="d")),
            ("tim-6", repeat(periodMax=1)),
            ("tim-7", repeat(durationMax=1)),
            ("tim-8", repeat(countMax=1)),
            ("tim-9", repeat(offset=1)),
            ("tim-9", repeat(offset=1, when=["CM"])),
            ("tim-10", repeat(timeOfDay=["08:00:00"], when=["HS"])),
        ],
    )
    def test_broken(self, key: str, resource: Json) -> None:
        """The key of the law is in the text, so that it can be looked up."""
        assert [found for _, found in laws(resource)] == [key]

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            ("2020", "2020"),
            ("2020-05", "2020"),
            ("2020", "2020-01-01"),
            ("2024-05-01T08:00:00+08:00", "2024-05-01T00:00:00Z"),
            ("2024-05-01T08:00:00Z", "2024-05-01"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ],
    )
    def test_periods_in_order(self, start: str, end: str) -> None:
        """Times are compared as far as both are told, across zones."""
        assert places(changed(PATIENT, name=[{"text": "a", "period": {"start": start, "end": end}}])) == []

    def test_range_of_two_units(self) -> None:
        """What is in different units is not compared."""
        low, high = {"value": 500, "unit": "g"}, {"value": 1, "unit": "kg"}

        assert places(extension(valueRange={"low": low, "high": high})) == []


class TestCare:
    @pytest.mark.parametrize(
        ("key", "resource"),
        [
            ("pat-1", changed(PATIENT, contact=[{"gender": "male"}])),
            ("obs-3", changed(OBSERVATION, referenceRange=[{"type": CODED}])),
            ("obs-6", changed(OBSERVATION, valueString="a", dataAbsentReason=CODED)),
            ("obs-7", changed(OBSERVATION, valueInteger=1, component=[{"code": OBSERVATION["code"]}])),
            ("con-1", changed(CONDITION, stage=[{"type": CODED}])),
            ("con-2", changed(CONDITION, evidence=[{"id": "a"}])),
            ("con-4", changed(CONDITION, abatementString="gone")),
            ("con-5", changed(CONDITION, verificationStatus=status("condition-ver-status", "entered-in-error"))),
            ("ait-1", ALLERGY),
            ("ait-2", ALLERGY | {"clinicalStatus": status("allergyintolerance-clinical", "active"),
                                 "verificationStatus": status("allergyintolerance-verification", "entered-in-error")}),
            ("fhs-1", FAMILY | {"ageString": "a", "bornDate": "1950"}),
            ("fhs-2", FAMILY | {"estimatedAge": True}),
            ("lst-1", LIST | {"emptyReason": CODED, "entry": [{"item": PERSON}]}),
            ("lst-2", LIST | {"entry": [{"item": PERSON, "deleted": True}]}),
            ("lst-3", LIST | {"entry": [{"item": PERSON, "date": "2024"}]}),
            ("inv-1", TASK | {"authoredOn": "2024-05-02", "lastModified": "2024-05-01"}),
            ("cmp-1", COMPOSITION | {"section": [{"title": "a"}]}),
            ("cmp-2", COMPOSITION | {"section": [{"emptyReason": CODED, "entry": [PERSON]}]}),
        ],
    )  # fmt: skip
    def test_broken(self, key: str, resource: Json) -> None:
        """One law, one finding."""
        assert [found for _, found in laws(resource)] == [key]

    def test_allergy_in_error(self) -> None:
        """What was entered in error needs no clinical status."""
        wrong = status("allergyintolerance-verification", "entered-in-error")

        assert places(ALLERGY | {"verificationStatus": wrong}) == []

    def test_same_words_are_no_same_code(self) -> None:
        """Components are told apart by their codings, not by their texts."""
        component = [{"code": {"text": OBSERVATION["code"]["text"]}, "valueInteger": 1}]

        assert places(changed(OBSERVATION, valueInteger=1, component=component)) == []


class TestOrganisation:
    @pytest.mark.parametrize(
        ("key", "resource"),
        [
            ("org-1", {"resourceType": "Organization", "active": True}),
            ("org-2", ORGANIZATION | {"address": [{"use": "home", "text": "a"}]}),
            ("org-3", ORGANIZATION | {"telecom": [{"use": "home", "system": "phone", "value": "1"}]}),
            ("app-1", APPOINTMENT | {"participant": [{"status": "accepted"}]}),
            ("app-2", APPOINTMENT | {"start": "2024-05-01T08:00:00Z"}),
            ("app-3", APPOINTMENT | {"status": "booked"}),
            ("app-4", APPOINTMENT | {"cancelationReason": CODED}),
            ("ppc-1", changed(CONSENT, policyRule=None)),
            ("grp-1", {"resourceType": "Group", "type": "person", "actual": False, "member": [{"entity": PERSON}]}),
            ("lnk-1", {"resourceType": "Linkage", "item": [{"type": "source", "resource": PERSON}]}),
            ("vsd-1", {"resourceType": "ValueSet", "status": "draft", "compose": {"include": [{"version": "1"}]}}),
        ],
    )
    def test_broken(self, key: str, resource: Json) -> None:
        """One law, one finding."""
        assert [found for _, found in laws(resource)] == [key]


class TestBundles:
    @pytest.mark.parametrize(
        ("key", "bundle"),
        [
            ("bdl-1", BUNDLE | {"total": 2}),
            ("bdl-2", BUNDLE | {"entry": [BUNDLE["entry"][0] | {"search": {"mode": "match"}}]}),
            ("bdl-3", BUNDLE | {"type": "collection"}),
            ("bdl-3", BUNDLE | {"entry": [{"resource": PATIENT}]}),
            ("bdl-4", BUNDLE | {"entry": [BUNDLE["entry"][0] | {"response": {"status": "200"}}]}),
            ("bdl-5", {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:uuid:1"}]}),
            ("bdl-7", BUNDLE | {"entry": [BUNDLE["entry"][0], BUNDLE["entry"][0]]}),
            (
                "bdl-8",
                BUNDLE | {"entry": [BUNDLE["entry"][0] | {"fullUrl": "http://example.org/Patient/1/_history/1"}]},
            ),
            ("bdl-9", changed(DOCUMENT, identifier={"value": "1"})),
            ("bdl-10", changed(DOCUMENT, timestamp=None)),
            ("bdl-11", changed(DOCUMENT, entry=[{"resource": PATIENT}])),
            ("bdl-12", {"resourceType": "Bundle", "type": "message", "entry": [{"resource": PATIENT}]}),
        ],
    )
    def test_broken(self, key: str, bundle: Json) -> None:
        """One law, one finding."""
        assert [found for _, found in laws(bundle)] == [key]
