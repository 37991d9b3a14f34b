"""References point at what the element allows; nothing is looked up."""

from __future__ import annotations

import pytest
from validation_examples import MEDICATION_REQUEST, OBSERVATION, changed, findings, places

PLACE = "Observation.subject.reference"


class TestTargets:
    @pytest.mark.parametrize(
        "reference",
        [
            "Patient/p1",
            "Patient/p1/_history/2",
            "Patient?identifier=urn:x|1",
            "Group/g",
            "http://example.org/fhir/Patient/p1",
            "https://example.org/fhir/Location/1/_history/3",
            "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
            "urn:oid:1.2.3",
            "http://example.org/other/thing",
            "http://example.org/Thing/1",
        ],
    )
    def test_allowed(self, reference: str) -> None:
        """An allowed type, relative, absolute, versioned or by condition; or an address that says no type."""
        assert places(changed(OBSERVATION, subject={"reference": reference})) == []

    @pytest.mark.parametrize(
        "reference",
        [
            "Practitioner/1",
            "Encounter/1/_history/2",
            "Organization?name=a",
            "http://example.org/fhir/Medication/1",
            "Person/1",
            "Nobody/1",
            "Citation/1",
        ],
    )
    def test_not_allowed(self, reference: str) -> None:
        """Another type, or none of R4's."""
        assert findings(changed(OBSERVATION, subject={"reference": reference})) == [(PLACE, "value")]

    def test_anything(self) -> None:
        """Some elements may point at any resource."""
        assert places(changed(OBSERVATION, focus=[{"reference": "Medication/1"}])) == []
        assert places(changed(OBSERVATION, focus=[{"reference": "Nobody/1"}])) == ["Observation.focus[0].reference"]

    def test_logical(self) -> None:
        """A reference by identifier says its type."""
        identifier = {"system": "urn:x", "value": "1"}

        assert places(changed(OBSERVATION, subject={"type": "Patient", "identifier": identifier})) == []
        assert places(changed(OBSERVATION, subject={"display": "某人"})) == []
        assert findings(changed(OBSERVATION, subject={"type": "Practitioner", "identifier": identifier})) == [
            ("Observation.subject.type", "value")
        ]

    def test_in_a_choice(self) -> None:
        """The types of a choice have targets of their own."""
        request = changed(MEDICATION_REQUEST, contained=None, medicationReference={"reference": "Patient/1"})

        assert findings(request) == [("MedicationRequest.medicationReference.reference", "value")]


class TestLocal:
    def test_missing(self) -> None:
        """A local reference to nothing."""
        request = changed(MEDICATION_REQUEST, subject={"reference": "#nobody"})

        assert findings(request) == [("MedicationRequest.subject.reference", "invariant")]

    def test_from_within(self) -> None:
        """What is contained refers to its siblings and to the one around it."""
        contained = [
            {"resourceType": "Medication", "id": "m", "manufacturer": {"reference": "#o"}},
            {"resourceType": "Organization", "id": "o", "name": "药厂"},
            {
                "resourceType": "Provenance",
                "id": "p",
                "target": [{"reference": "#"}],
                "agent": [{"who": {"display": "a"}}],
                "recorded": "2024-05-01T08:00:00Z",
            },
        ]

        assert places(changed(MEDICATION_REQUEST, contained=contained)) == []
