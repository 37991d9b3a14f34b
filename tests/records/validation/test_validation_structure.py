"""The structure of a resource: names, cardinality, types, choices, extensions of primitives."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from validation_examples import EXAMPLES, OBSERVATION, PATIENT, Json, changed, findings, places

from records.errors import Invalid
from records.validation import check, validate

NOTE = {"extension": [{"url": "http://example.org/why", "valueCode": "unknown"}]}


class TestValid:
    @pytest.mark.parametrize("resource", EXAMPLES, ids=lambda one: one["resourceType"])
    def test_examples(self, resource: Json) -> None:
        """What is right is not complained about."""
        assert validate(resource) == []
        check(resource)

    @pytest.mark.parametrize("value", [120, 120.5, Decimal("120.50")])
    def test_numbers(self, value: Any) -> None:
        """Decimals come as Decimal from JSON, and as any number from code."""
        assert places(changed(OBSERVATION, component=None, valueQuantity={"value": value})) == []


class TestCheck:
    def test_refused(self) -> None:
        """The refusal carries every finding, and no value."""
        with pytest.raises(Invalid) as refused:
            check(changed(PATIENT, gender="男", birthDate="1980-02-30"))

        assert [issue.expression for issue in refused.value.issues] == ["Patient.gender", "Patient.birthDate"]
        assert (refused.value.status, refused.value.issue) == (422, "invalid")


class TestResourceType:
    @pytest.mark.parametrize(
        "resource",
        [
            {},
            {"resourceType": "Citation"},
            {"resourceType": ["Patient"]},
            {"resourceType": "HumanName"},
            {"resourceType": "DomainResource"},
        ],
    )
    def test_none_of_r4(self, resource: Json) -> None:
        """Only concrete resource types of R4."""
        assert findings(resource) == [("", "structure")]


class TestNames:
    @pytest.mark.parametrize("name", ["nickname", "fhir_comments", "_active2", "Gender", "value", "valueString"])
    def test_unknown(self, name: str) -> None:
        """A name that the type does not have."""
        assert findings(changed(PATIENT, **{name: "x"})) == [(f"Patient.{name}", "structure")]

    def test_unknown_inside(self) -> None:
        """Also deep inside, with its place."""
        name = [{"text": "a"}, {"text": "b", "nick": "c"}]

        assert findings(changed(PATIENT, name=name)) == [("Patient.name[1].nick", "structure")]

    def test_resource_type_inside(self) -> None:
        """Only a resource names its type."""
        assert places(changed(PATIENT, name=[{"resourceType": "HumanName", "text": "a"}])) == [
            "Patient.name[0].resourceType"
        ]

    def test_name_of_another_kind(self) -> None:
        """A key that cannot be an element's name could be anything, and is not repeated."""
        (issue,) = validate(changed(PATIENT, **{"张伟 3703...": 1}))

        assert issue.expression == "Patient"

    def test_example_scenario(self) -> None:
        """One type of R4 has an element that is really called resourceType."""
        scenario = {
            "resourceType": "ExampleScenario",
            "status": "draft",
            "instance": [{"resourceId": "a", "resourceType": "Patient"}],
        }

        assert places(scenario) == []
        scenario["instance"] = [{"resourceId": "a"}]
        assert findings(scenario) == [("ExampleScenario.instance[0].resourceType", "required")]


class TestCardinality:
    def test_required(self) -> None:
        """What must be there."""
        assert findings(changed(OBSERVATION, status=None, code=None)) == [
            ("Observation.status", "required"),
            ("Observation.code", "required"),
        ]

    def test_required_inside(self) -> None:
        """What must be there if its parent is."""
        assert findings(changed(OBSERVATION, component=[{"valueInteger": 1}])) == [
            ("Observation.component[0].code", "required")
        ]

    def test_required_choice(self) -> None:
        """One of the types of a choice is enough."""
        request = {"resourceType": "MedicationStatement", "status": "active", "subject": {"reference": "Patient/1"}}

        assert [code for _, code in findings(request)] == ["required"]
        assert places(request | {"medicationCodeableConcept": {"text": "a"}}) == []

    def test_required_by_extension(self) -> None:
        """An element without a value is there when an extension says why."""
        assert places(changed(OBSERVATION, status=None, _status=NOTE)) == []

    @pytest.mark.parametrize("element", ["name", "gender", "maritalStatus"])
    def test_list_or_not(self, element: str) -> None:
        """A list where one is wanted, and one where a list is."""
        single = {"name": {"text": "a"}, "gender": ["male"], "maritalStatus": [{"text": "a"}]}[element]

        assert findings(changed(PATIENT, **{element: single})) == [(f"Patient.{element}", "structure")]

    @pytest.mark.parametrize("empty", [[], {}, "", [{}], [[]], [""]], ids=repr)
    def test_empty(self, empty: Any) -> None:
        """Nothing is said by leaving it out, not by an empty value."""
        assert len(places(changed(PATIENT, name=empty))) == 1
        assert len(places(changed(PATIENT, managingOrganization=empty))) == 1
        assert len(places(changed(PATIENT, gender=empty))) == 1


class TestTypes:
    @pytest.mark.parametrize(
        ("element", "value"),
        [
            ("active", "true"),
            ("birthDate", "29.2.1980"),
            ("birthDate", {"value": "1980"}),
            ("language", 1),
            ("multipleBirthInteger", 2.5),
            ("managingOrganization", "Organization/o1"),
            ("id", "a_b"),
            ("id", "x" * 65),
            ("implicitRules", "a b"),
        ],
    )
    def test_wrong(self, element: str, value: Any) -> None:
        """A value of another type, or one that the type does not have."""
        assert places(changed(PATIENT, **{element: value})) == [f"Patient.{element}"]

    def test_null(self) -> None:
        """A property that is null, alone or in a list."""
        assert findings(PATIENT | {"gender": None}) == [("Patient.gender", "structure")]
        assert findings(PATIENT | {"name": None}) == [("Patient.name", "structure")]
        assert findings(PATIENT | {"name": [None]}) == [("Patient.name[0]", "structure")]

    def test_place_in_a_list(self) -> None:
        """Which of the values it is."""
        assert findings(changed(PATIENT, name=[{"text": "a"}, {"given": ["a", 1]}])) == [
            ("Patient.name[1].given[1]", "value")
        ]


class TestChoices:
    def test_two_types(self) -> None:
        """One type at a time."""
        both = changed(PATIENT, deceasedBoolean=True, deceasedDateTime="2020")

        assert findings(both) == [("Patient.deceasedBoolean", "structure")]

    def test_type_not_allowed(self) -> None:
        """Only the types that the element lists."""
        assert places(changed(PATIENT, deceasedString="yes")) == ["Patient.deceasedString"]

    def test_value_with_extension(self) -> None:
        """The extensions of a value belong to it and are no second type."""
        assert places(changed(PATIENT, deceasedBoolean=True, _deceasedBoolean=NOTE)) == []


class TestPrimitiveExtensions:
    def test_alone(self) -> None:
        """Extensions without a value."""
        assert places(changed(PATIENT, gender=None, _gender=NOTE)) == []

    @pytest.mark.parametrize(
        ("given", "extensions"),
        [(["a", None], [None, NOTE]), ([None], [NOTE]), (None, [NOTE]), (["a", "b"], [NOTE, None]), (["a"], [NOTE])],
    )
    def test_parallel_lists(self, given: Any, extensions: Any) -> None:
        """Null keeps the place of what is only in the other list."""
        assert places(changed(PATIENT, name=[changed({}, given=given, _given=extensions)])) == []

    @pytest.mark.parametrize(
        ("given", "extensions"),
        [
            (["a", None], [NOTE, None]),
            (["a", None], None),
            ([None], [None]),
            (None, [None]),
            (["a"], [NOTE, None]),
            (["a"], NOTE),
            (["a"], []),
            (["a"], ["b"]),
        ],
    )
    def test_nothing_in_either(self, given: Any, extensions: Any) -> None:
        """A place with null in both, and a list that is none."""
        found = places(changed(PATIENT, name=[changed({}, given=given, _given=extensions)]))

        assert found
        assert all(place.startswith(("Patient.name[0].given", "Patient.name[0]._given")) for place in found)

    @pytest.mark.parametrize("value", [[NOTE], {"value": "x"}, {}, "x", None], ids=repr)
    def test_wrong_shape(self, value: Any) -> None:
        """Only an id and extensions."""
        assert places(PATIENT | {"_gender": value})

    def test_of_a_complex_element(self) -> None:
        """A complex element carries its extensions itself."""
        assert places(changed(PATIENT, _name=[NOTE])) == ["Patient._name"]

    def test_in_an_extension(self) -> None:
        """A value of an extension may have extensions of its own (translations, reasons of absence)."""
        assert places(changed(PATIENT, extension=[{"url": "http://example.org/a", "_valueString": NOTE}])) == []


class TestFlood:
    def test_cut(self) -> None:
        """Of a thousand findings the first hundred are enough."""
        assert len(validate(changed(PATIENT, name=[{"x": 1}] * 1000))) == 100
