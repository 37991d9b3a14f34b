"""Resources in resources: contained, in a Bundle, in Parameters."""

from __future__ import annotations

from typing import Any

import pytest
from validation_examples import BUNDLE, MEDICATION_REQUEST, OBSERVATION, PATIENT, Json, changed, findings, laws, places

MEDICATION: Json = MEDICATION_REQUEST["contained"][0]


def with_contained(*contained: Json) -> Json:
    """The request with these resources in it."""
    return changed(MEDICATION_REQUEST, contained=list(contained))


class TestContained:
    def test_checked(self) -> None:
        """What is contained is a resource like any other."""
        assert findings(with_contained(changed(MEDICATION, status="gone"))) == [
            ("MedicationRequest.contained[0].status", "code-invalid")
        ]

    @pytest.mark.parametrize("value", ["x", {}, {"resourceType": "Citation"}, {"id": "m"}, []], ids=repr)
    def test_no_resource(self, value: Any) -> None:
        """Something else."""
        request = changed(MEDICATION_REQUEST, contained=[value], medicationReference={"display": "a"})

        assert places(request) == ["MedicationRequest.contained[0]"]

    def test_laws(self) -> None:
        """It contains no other, has no version and no label, and is referred to."""
        nested = changed(MEDICATION, contained=[{"resourceType": "Organization", "id": "o", "name": "a"}])

        assert laws(with_contained(nested)) == [("MedicationRequest.contained[0].contained", "dom-2")]
        assert laws(with_contained(changed(MEDICATION, meta={"versionId": "1"}))) == [("MedicationRequest", "dom-4")]
        label = {"security": [{"system": "urn:x", "code": "R"}]}
        assert laws(with_contained(changed(MEDICATION, meta=label))) == [("MedicationRequest", "dom-5")]
        assert laws(with_contained(MEDICATION, changed(MEDICATION, id="x"))) == [("MedicationRequest", "dom-3")]


class TestBundle:
    def test_entries_are_checked(self) -> None:
        """Each resource of a bundle, with its place."""
        entries = [
            *BUNDLE["entry"],
            {"resource": changed(PATIENT, gender="x"), "request": BUNDLE["entry"][0]["request"]},
        ]

        assert findings(changed(BUNDLE, entry=entries)) == [("Bundle.entry[2].resource.gender", "code-invalid")]

    def test_local_references_stay_inside(self) -> None:
        """What one entry contains is not there for another."""
        stray = changed(OBSERVATION, subject={"reference": "#m"})
        request = {"method": "POST", "url": "x"}
        entries = [{"resource": MEDICATION_REQUEST, "request": request}, {"resource": stray, "request": request}]

        assert places(changed(BUNDLE, entry=entries)) == ["Bundle.entry[1].resource.subject.reference"]


class TestParameters:
    @pytest.mark.parametrize(
        ("parameter", "right"),
        [
            ({"name": "a", "valueString": "x"}, True),
            ({"name": "a", "resource": PATIENT}, True),
            ({"name": "a", "part": [{"name": "b", "valueBoolean": True}]}, True),
            ({"name": "a"}, False),
            ({"name": "a", "valueString": "x", "resource": PATIENT}, False),
            ({"name": "a", "part": [{"name": "b"}]}, False),
            ({"name": "a", "resource": {"resourceType": "Patient", "x": 1}}, False),
        ],
    )
    def test_content(self, parameter: Json, right: bool) -> None:
        """A parameter has one content, which is checked like any other."""
        assert (places({"resourceType": "Parameters", "parameter": [parameter]}) == []) is right
