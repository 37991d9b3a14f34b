"""Search parameters of R4 as the server compiles them, compared with the pages of the specification."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from records.definitions import Path, SearchParameter, definitions

COMMON = {"_id", "_lastUpdated", "_profile", "_security", "_source", "_tag"}


def parameter(resource_type: str, code: str) -> SearchParameter:
    """One parameter by name."""
    return definitions().search_parameters(resource_type)[code]


def every_parameter() -> Iterator[tuple[str, SearchParameter]]:
    """All of them, with the type they are of."""
    for kind in sorted(definitions().resource_types):
        for one in definitions().search_parameters(kind).values():
            yield kind, one


class TestOffered:
    def test_types(self) -> None:
        """146 types, less 18 that R4B dropped, 4 that it changed, and Parameters, which nobody stores."""
        offered = definitions().resource_types

        assert len(offered) == 146 - 18 - 4 - 1
        assert {"Patient", "Observation", "Bundle", "ExampleScenario"} <= offered
        assert offered.isdisjoint({"Parameters", "Evidence", "MedicinalProduct", "Citation", "DomainResource"})

    def test_patient(self) -> None:
        """Exactly the parameters of the Patient page, one extension's, and those of every resource."""
        listed = (
            "active address address-city address-country address-postalcode address-state address-use birthdate "
            "death-date deceased email family gender general-practitioner given identifier language link name "
            "organization phone phonetic telecom"
        )

        assert set(definitions().search_parameters("Patient")) == {*listed.split(), "mothersMaidenName", *COMMON}

    def test_encounter(self) -> None:
        """Exactly the parameters of the Encounter page, and those of every resource."""
        listed = (
            "account appointment based-on class date diagnosis episode-of-care identifier length location "
            "location-period participant participant-type part-of patient practitioner reason-code reason-reference "
            "service-provider special-arrangement status subject type"
        )

        assert set(definitions().search_parameters("Encounter")) == {*listed.split(), *COMMON}

    def test_example_scenario(self) -> None:
        """A type whose name begins like the specification's examples keeps its parameters."""
        assert {"name", "status", "url", "date"} <= set(definitions().search_parameters("ExampleScenario"))

    def test_unknown_type(self) -> None:
        """A type that is not offered has none."""
        assert definitions().search_parameters("Evidence") == {}


class TestPaths:
    @pytest.mark.parametrize(
        ("kind", "code", "path"),
        [
            ("Patient", "name", Path(("name",), datatypes=("HumanName",))),
            ("Patient", "family", Path(("name", "family"), datatypes=("string",))),
            ("Patient", "phone", Path(("telecom",), where=("system", "phone"), datatypes=("ContactPoint",))),
            ("Patient", "deceased", Path(("deceased",), exists=True, datatypes=("boolean",))),
            ("Patient", "death-date", Path(("deceased",), "dateTime", datatypes=("dateTime",))),
            ("Patient", "_tag", Path(("meta", "tag"), datatypes=("Coding",))),
            ("Condition", "onset-age", Path(("onset",), "Age", datatypes=("Age",))),
            ("Observation", "value-quantity", Path(("value",), "Quantity", datatypes=("Quantity",))),
            ("Observation", "component-code", Path(("component", "code"), datatypes=("CodeableConcept",))),
            ("Observation", "patient", Path(("subject",), resolves="Patient", datatypes=("Reference",))),
            ("Procedure", "date", Path(("performed",), datatypes=("dateTime", "Period", "string", "Age", "Range"))),
        ],
    )
    def test_shape(self, kind: str, code: str, path: Path) -> None:
        """Each shape of the specification's expressions, by one that everybody knows."""
        assert path in parameter(kind, code).paths

    def test_extension(self) -> None:
        """A parameter may look into an extension, whose type is in its own definition."""
        (path,) = parameter("Patient", "mothersMaidenName").paths

        assert path.extension == "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName"
        assert path.datatypes == ("string",)

    def test_where_in_the_middle(self) -> None:
        """A condition may stand before the last step."""
        (path,) = parameter("Library", "successor").paths

        assert (path.steps, path.where, path.where_at) == (("relatedArtifact", "resource"), ("type", "successor"), 0)

    def test_clinical_date(self) -> None:
        """One definition speaks of many types, and gives each its own paths alone."""
        encounter, immunization = parameter("Encounter", "date"), parameter("Immunization", "date")

        assert encounter.url == immunization.url == "http://hl7.org/fhir/SearchParameter/clinical-date"
        assert [path.steps for path in encounter.paths] == [("period",)]
        assert [path.steps for path in immunization.paths] == [("occurrence",)]

    def test_every_path_leads_somewhere(self) -> None:
        """Every path but a whole resource, and an extension that the package does not define, finds known types."""
        lost = [
            (kind, one.code)
            for kind, one in every_parameter()
            for path in one.paths
            if not path.datatypes and path.steps and not path.extension
        ]

        assert lost == []

    def test_every_datatype_is_one(self) -> None:
        """What a path can find is spelled as the type's own definition spells it."""
        found = {datatype for _, one in every_parameter() for path in one.paths for datatype in path.datatypes}

        assert {definitions().structure(name).name for name in found} == found


class TestReferences:
    def test_targets(self) -> None:
        """Targets are those of the type's own element, though the definition declares them for many types."""
        assert parameter("Observation", "patient").targets == ("Patient",)
        assert parameter("Immunization", "patient").targets == ("Patient",)
        assert set(parameter("Observation", "subject").targets) == {"Patient", "Group", "Device", "Location"}

    def test_includes(self) -> None:
        """Each reference parameter can be followed."""
        assert {"Observation:subject", "Observation:encounter"} <= set(definitions().includes("Observation"))
        assert "Observation:code" not in definitions().includes("Observation")

    def test_reverse_includes(self) -> None:
        """Whoever can point at a type can be asked for with it."""
        found = definitions().reverse_includes("Encounter")

        assert {"Observation:encounter", "Composition:encounter"} <= set(found)
        assert "Observation:subject" not in found

    def test_patient_compartment(self) -> None:
        """The compartment names only parameters that are there."""
        compartment = definitions().compartment("Patient")

        assert compartment["Observation"] == ("subject", "performer")
        assert "Organization" not in compartment
        assert all(
            code in definitions().search_parameters(kind)
            for kind, codes in compartment.items()
            for code in codes
            if kind in definitions().resource_types
        )


class TestComposites:
    def test_code_value_quantity(self) -> None:
        """A composite of the resource itself."""
        found = parameter("Observation", "code-value-quantity")
        code, value = found.components

        assert [path.steps for path in found.paths] == [()]
        assert (code.code, code.type, code.paths[0].steps) == ("code", "token", ("code",))
        assert (value.code, value.type, value.paths[0].type) == ("value-quantity", "quantity", "Quantity")

    def test_combo(self) -> None:
        """A composite that looks at the resource and at each of its components."""
        found = parameter("Observation", "combo-code-value-quantity")

        assert [path.steps for path in found.paths] == [(), ("component",)]

    def test_type_is_spelled_as_declared(self) -> None:
        """One expression of R4 says DateTime; it means dateTime."""
        _, value = parameter("Observation", "code-value-date").components

        assert [path.type for path in value.paths] == ["dateTime", "Period"]

    def test_parts_are_compared_as_known_parameters(self) -> None:
        """Each part has the type of the parameter that it refers to, and somewhere to look."""
        parts = [part for _, one in every_parameter() for part in one.components]

        assert {part.type for part in parts} <= {"token", "quantity", "date", "string", "number", "reference", "uri"}
        assert all(part.paths for part in parts)
