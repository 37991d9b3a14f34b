"""Structures of R4 as the server compiles them."""

from __future__ import annotations

import pytest

from records.definitions import definitions


class TestStructure:
    def test_elements_by_their_json_names(self) -> None:
        """A choice is found under each of its names, and nowhere under its base name."""
        elements = definitions().structure("Observation").elements

        assert elements["valueQuantity"] is elements["valueString"]
        assert "value" not in elements
        assert elements["status"].min == 1

    def test_cardinality(self) -> None:
        """At most one, or any number."""
        elements = definitions().structure("Patient").elements

        assert (elements["birthDate"].max, elements["name"].max) == (1, 0)

    def test_node(self) -> None:
        """What is defined inside a resource is a structure of its own; what repeats its shape points at it."""
        assert definitions().structure("Observation").elements["component"].node == "Observation.component"
        component = definitions().structure("Observation.component").elements
        assert component["referenceRange"].reference == "Observation.referenceRange"

    def test_summary(self) -> None:
        """What a summary shows of a resource."""
        observation = definitions().structure("Observation")

        assert observation.in_summary("status")
        assert observation.in_summary("valueQuantity")
        assert not observation.in_summary("note")
        assert not observation.in_summary("nothing")

    def test_mandatory(self) -> None:
        """What a subset of a resource must keep."""
        assert definitions().structure("Observation").is_mandatory("code")
        assert not definitions().structure("Observation").is_mandatory("subject")

    def test_reference_targets(self) -> None:
        """What an element may point at; empty where it is anything."""
        subject = definitions().structure("Encounter").elements["subject"]
        focus = definitions().structure("Observation").elements["focus"]

        assert subject.types[0].targets == {"Patient", "Group"}
        assert focus.types[0].targets == frozenset()

    def test_unknown(self) -> None:
        """Nothing is made up."""
        with pytest.raises(KeyError):
            definitions().structure("Citation")

    def test_all_are_closed(self) -> None:
        """Every type, node and shape that an element names is there: a walk never falls into a hole."""
        names = definitions()._structures
        for name in names:
            for element in definitions().structure(name).elements.values():
                inner = [element.reference or element.node] if element.reference or element.node else []
                for target in inner or [target.code for target in element.types]:
                    assert target in names, f"{name}.{element.name}"

    def test_is_resource(self) -> None:
        """All concrete types of R4, offered or not; no datatype, nothing abstract."""
        assert all(map(definitions().is_resource, ["Patient", "Parameters", "Evidence", "MedicinalProduct"]))
        assert not any(map(definitions().is_resource, ["HumanName", "Resource", "DomainResource", "Citation", ""]))


class TestValueSets:
    def test_gender(self) -> None:
        """A required binding lists its codes by system."""
        found = definitions().value_sets["http://hl7.org/fhir/ValueSet/administrative-gender"]

        assert found == {"http://hl7.org/fhir/administrative-gender": {"male", "female", "other", "unknown"}}

    def test_several_systems(self) -> None:
        """A value set may draw on more than one system."""
        assert len(definitions().value_sets["http://hl7.org/fhir/ValueSet/event-timing"]) == 2

    def test_open_sets(self) -> None:
        """What cannot be listed whole is left to a terminology service."""
        assert "http://hl7.org/fhir/ValueSet/mimetypes" not in definitions().value_sets

    def test_none_is_empty(self) -> None:
        """A list without codes would refuse everything."""
        assert all(any(codes.values()) for codes in definitions().value_sets.values())

    def test_nobody_elses_codes(self) -> None:
        """LOINC and SNOMED CT keep their owners' notices: their codes are not copied here."""
        systems = {system for codes in definitions().value_sets.values() for system in codes}

        assert systems.isdisjoint({"http://loinc.org", "http://snomed.info/sct"})
