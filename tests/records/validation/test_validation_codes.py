"""Required bindings: codes come from the value set that the standard fixes."""

from __future__ import annotations

import pytest
from validation_examples import CONDITION, OBSERVATION, PATIENT, changed, findings, places

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


class TestCode:
    @pytest.mark.parametrize("gender", ["男", "M", "Male", "female "])
    def test_not_in_the_set(self, gender: str) -> None:
        """A code of another list."""
        assert findings(changed(PATIENT, gender=gender)) == [("Patient.gender", "code-invalid")]

    def test_inside(self) -> None:
        """Bindings of datatypes hold wherever they are used."""
        telecom = [{"system": "wechat", "value": "a"}]

        assert findings(changed(PATIENT, telecom=telecom)) == [("Patient.telecom[0].system", "code-invalid")]

    def test_in_a_list(self) -> None:
        """Each code of a list."""
        allergy = {
            "resourceType": "AllergyIntolerance",
            "clinicalStatus": {
                "coding": [{"system": CLINICAL.replace("condition", "allergyintolerance"), "code": "active"}]
            },
            "patient": {"reference": "Patient/1"},
            "category": ["food", "plant"],
        }

        assert findings(allergy) == [("AllergyIntolerance.category[1]", "code-invalid")]

    def test_open_list(self) -> None:
        """A set that nobody can list (media types) refuses nothing here."""
        photo = [{"contentType": "image/x-unheard-of", "url": "http://example.org/p"}]

        assert places(changed(PATIENT, photo=photo)) == []

    def test_extensible(self) -> None:
        """A binding that is not required is a recommendation."""
        assert places(changed(OBSERVATION, category=[{"coding": [{"system": "urn:x", "code": "own"}]}])) == []


class TestConcept:
    @pytest.mark.parametrize(
        "status",
        [
            {"text": "active"},
            {"coding": [{"code": "active"}]},
            {"coding": [{"system": "urn:x", "code": "active"}]},
            {"coding": [{"system": CLINICAL, "code": "aktiv"}]},
        ],
    )
    def test_no_coding_of_the_set(self, status: dict[str, object]) -> None:
        """Words alone, a code without its system, or of another system."""
        assert findings(changed(CONDITION, clinicalStatus=status)) == [("Condition.clinicalStatus", "code-invalid")]

    def test_one_is_enough(self) -> None:
        """Other codings may stand beside the one that counts."""
        codings = [{"system": "urn:x", "code": "1"}, {"system": CLINICAL, "code": "remission"}]

        assert places(changed(CONDITION, clinicalStatus={"coding": codings})) == []

    def test_absent_with_reason(self) -> None:
        """An extension may say why there is none."""
        status = {"extension": [{"url": "http://example.org/why", "valueCode": "masked"}]}

        assert places(changed(CONDITION, clinicalStatus=status)) == []
