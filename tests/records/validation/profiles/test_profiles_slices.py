"""Slices: by each kind of discriminator, closed and open, in order, and what cannot be told apart."""

from __future__ import annotations

from typing import Any

import pytest
from profile_samples import (
    BASE,
    ID_CARD,
    LOINC,
    OBSERVATION,
    OWN,
    PASSPORT,
    PATIENT,
    UCUM,
    changed,
    element,
    errors,
    known,
    profile,
    slicing,
)  # fmt: skip

from records.validation.profiles import check_profile

Json = dict[str, Any]
CARD, PASS = {"system": ID_CARD, "value": "1"}, {"system": PASSPORT, "value": "2"}
OTHER = {"system": "urn:other", "value": "3"}


def identifiers(**slicing_options: Any) -> Json:
    """A national profile: one identity card, perhaps a passport, by their systems."""
    return profile(
        "p", "Patient",
        element("Patient.identifier", slicing=slicing("value:system", **slicing_options)),
        element("Patient.identifier:card", min=1, max="1"),
        element("Patient.identifier:card.system", fixedUri=ID_CARD),
        element("Patient.identifier:card.value", min=1),
        element("Patient.identifier:passport", max="1"),
        element("Patient.identifier:passport.system", fixedUri=PASSPORT),
    )  # fmt: skip


def having(*found: Json) -> Json:
    """A patient with these identifiers."""
    return changed(PATIENT, identifier=list(found))


class TestValue:
    def test_cardinality(self) -> None:
        """Each slice has its own cardinality, counted over those that are of it."""
        asked = identifiers()

        assert errors(having(CARD, OTHER, OTHER), asked) == []
        assert errors(having(PASS), asked) == [("required", "Patient.identifier")]
        assert errors(having(CARD, CARD), asked) == [("structure", "Patient.identifier")]

    def test_content(self) -> None:
        """What is asked of a slice is asked of those of it alone."""
        assert errors(having({"system": ID_CARD}, {"system": "urn:other"}), identifiers()) == [
            ("required", "Patient.identifier[0].value")
        ]

    def test_pattern(self) -> None:
        """By a pattern at the discriminator's path, also above it."""
        for path, said in (
            ("code", {"patternCodeableConcept": {"coding": [{"system": LOINC, "code": "8480-6"}]}}),
            ("code.coding.code", {"fixedCode": "8480-6"}),
        ):
            asked = profile(
                "p", "Observation",
                element("Observation.component", slicing=slicing(f"pattern:{path}")),
                element("Observation.component:systolic", min=1),
                element(f"Observation.component:systolic.{path}", **said),
                element("Observation.component:systolic.value[x]", min=1),
            )  # fmt: skip
            code = {"coding": [{"system": LOINC, "code": "8480-6"}]}

            assert errors(components({"code": code, "valueInteger": 1}), asked) == []
            assert errors(components({"code": code}), asked) == [("required", "Observation.component[0].value")]
            assert errors(components({"code": {"text": "x"}}), asked) == [("required", "Observation.component")]

    def test_binding(self) -> None:
        """By the value set that a slice requires."""
        genders = {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"}
        asked = profile(
            "p", "Patient",
            element("Patient.contact", slicing=slicing("value:gender")),
            element("Patient.contact:known.gender", binding=genders),
            element("Patient.contact:known.name", min=1),
        )  # fmt: skip
        told, silent = {"gender": "male", "telecom": [{"value": "1", "system": "phone"}]}, {"name": {"text": "x"}}

        assert errors(changed(PATIENT, contact=[told, silent]), asked) == [("required", "Patient.contact[0].name")]


class TestOtherKinds:
    def test_exists(self) -> None:
        """By whether an element is there."""
        asked = profile(
            "p", "Patient",
            element("Patient.name", slicing=slicing("exists:period")),
            element("Patient.name:former", max="1"),
            element("Patient.name:former.period", min=1),
            element("Patient.name:current", min=1),
            element("Patient.name:current.period", max="0"),
        )  # fmt: skip
        dated = {"text": "x", "period": {"end": "2020"}}

        assert errors(changed(PATIENT, name=[{"text": "a"}, dated]), asked) == []
        assert errors(changed(PATIENT, name=[dated]), asked) == [("required", "Patient.name")]
        assert errors(changed(PATIENT, name=[{"text": "a"}, dated, dated]), asked) == [("structure", "Patient.name")]

    @pytest.mark.parametrize("said", [{"slicing": slicing("type:$this", rules="closed")}, {}])
    def test_type(self, said: Json) -> None:
        """By the type of a choice; that is how a choice is sliced where nobody says how."""
        asked = profile(
            "p", "Observation",
            *([element("Observation.value[x]", **said)] if said else []),
            element("Observation.value[x]:valueQuantity", min=0, type=[{"code": "Quantity"}]),
            element("Observation.value[x]:valueQuantity.unit", min=1),
        )  # fmt: skip
        text = changed(OBSERVATION, valueQuantity=None, valueString="x")

        assert errors(OBSERVATION, asked) == []
        assert errors(text, asked) == ([("structure", "Observation.valueString")] if said else [])
        bare = changed(OBSERVATION, valueQuantity={"value": 1})
        assert errors(bare, asked) == [("required", "Observation.valueQuantity.unit")]

    def test_profile(self) -> None:
        """By the profile that an item conforms to."""
        card = profile("card", "Identifier", element("Identifier.system", min=1, fixedUri=ID_CARD), kind="complex-type")
        kind = [{"code": "Identifier", "profile": [f"{OWN}card"]}]
        asked = profile(
            "p", "Patient",
            element("Patient.identifier", slicing=slicing("profile:$this")),
            element("Patient.identifier:card", min=1, type=kind),
        )  # fmt: skip

        assert errors(having(CARD, OTHER), asked, card) == []
        assert errors(having(OTHER), asked, card) == [("required", "Patient.identifier")]

    def test_profile_of_target(self) -> None:
        """By the profile of what is referred to, in a document bundle as the IPS has it."""
        names = ("Condition", "Procedure")
        kinds = {name: [{"code": "Reference", "targetProfile": [f"{BASE}{name}"]}] for name in names}
        asked = profile(
            "ips", "Composition",
            element("Composition.section.entry", slicing=slicing("profile:resolve()", rules="closed")),
            element("Composition.section.entry:problem", max="1", type=kinds["Condition"]),
            element("Composition.section.entry:operation", type=kinds["Procedure"]),
        )  # fmt: skip

        def composed(*references: str) -> Json:
            return {
                "resourceType": "Composition", "status": "final", "type": {"text": "x"}, "date": "2026-01-01",
                "author": [{"display": "x"}], "title": "x",
                "section": [{"entry": [{"reference": one} for one in references]}],
            }  # fmt: skip

        assert errors(composed("Condition/1", "Procedure/1", "Procedure/2"), asked) == []
        assert errors(composed("Condition/1", "Condition/2"), asked) == [("structure", "Composition.section[0].entry")]
        assert errors(composed("Device/1"), asked) == [("structure", "Composition.section[0].entry[0]")]

    def test_several(self) -> None:
        """An item is of a slice only where every discriminator says so."""
        asked = profile(
            "p", "Patient",
            element("Patient.telecom", slicing=slicing("value:system", "value:use")),
            element("Patient.telecom:mobile", min=1),
            element("Patient.telecom:mobile.system", fixedCode="phone"),
            element("Patient.telecom:mobile.use", fixedCode="mobile"),
        )  # fmt: skip
        mobile = {"system": "phone", "use": "mobile", "value": "1"}

        assert errors(changed(PATIENT, telecom=[mobile]), asked) == []
        assert errors(changed(PATIENT, telecom=[mobile | {"use": "home"}]), asked) == [("required", "Patient.telecom")]

    def test_none(self) -> None:
        """Without a discriminator an item is of the slice that it conforms to."""
        asked = profile(
            "p", "Patient",
            element("Patient.identifier", slicing={"rules": "closed"}),
            element("Patient.identifier:card.system", min=1, fixedUri=ID_CARD),
        )  # fmt: skip

        assert errors(having(CARD), asked) == []
        assert errors(having(CARD, OTHER), asked) == [("structure", "Patient.identifier[1]")]

    def test_inside_a_slice(self) -> None:
        """What lies in a slice can be sliced in its turn."""
        asked = profile(
            "p", "Patient",
            element("Patient.contact", slicing=slicing("value:gender")),
            element("Patient.contact:mother.gender", fixedCode="female"),
            element("Patient.contact:mother.telecom", slicing=slicing("value:system")),
            element("Patient.contact:mother.telecom:phone", min=1),
            element("Patient.contact:mother.telecom:phone.system", fixedCode="phone"),
        )  # fmt: skip
        by_mail = {"gender": "female", "telecom": [{"system": "email", "value": "x"}]}

        assert errors(changed(PATIENT, contact=[by_mail | {"gender": "male"}]), asked) == []
        assert errors(changed(PATIENT, contact=[by_mail]), asked) == [("required", "Patient.contact[0].telecom")]


class TestRules:
    def test_closed(self) -> None:
        """Nothing but the slices."""
        asked = identifiers(rules="closed")

        assert errors(having(CARD, PASS), asked) == []
        assert errors(having(CARD, OTHER), asked) == [("structure", "Patient.identifier[1]")]

    def test_open_at_end(self) -> None:
        """The rest stands behind the slices."""
        asked = identifiers(rules="openAtEnd")

        assert errors(having(CARD, OTHER), asked) == []
        assert errors(having(OTHER, CARD), asked) == [("structure", "Patient.identifier[0]")]

    def test_ordered(self) -> None:
        """The slices stand in their order."""
        asked = identifiers(ordered=True)

        assert errors(having(CARD, PASS), asked) == []
        assert errors(having(PASS, CARD), asked) == [("structure", "Patient.identifier[1]")]

    @pytest.mark.parametrize(
        ("told", "inside", "why"),
        [
            ("value:use", {}, "says nothing of use"),
            ("value:use", {"use": {}}, "has no value at use"),
            ("exists:use", {"use": {"fixedCode": "official"}}, "whether use exists"),
            ("type:period", {"period": {}}, "names no type"),
            ("profile:$this", {}, "names no profile"),
            ("value:where(x)", {}, "not understood"),
        ],
    )
    def test_not_told_apart(self, told: str, inside: Json, why: str) -> None:
        """Slices that nothing tells apart make the profile unusable, aloud."""
        asked = profile(
            "p", "Patient",
            element("Patient.identifier", slicing=slicing(told)), element("Patient.identifier:a", min=0),
            *(element(f"Patient.identifier:a.{name}", **said) for name, said in inside.items()),
        )  # fmt: skip
        (found,) = check_profile(changed(PATIENT, identifier=[CARD | {"use": "usual"}]), f"{OWN}p", known(asked))

        assert (found.severity, found.code) == ("error", "not-supported")
        assert why in found.text


class TestVitalSigns:
    """HL7's own profiles, as they are in the core package."""

    @staticmethod
    def pressure(**elements: Any) -> Json:
        def part(code: str, value: int) -> Json:
            quantity = {"value": value, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"}
            return {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": quantity}

        vital = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
        found = changed(
            OBSERVATION, valueQuantity=None, category=[{"coding": [vital]}],
            code={"coding": [{"system": LOINC, "code": "85354-9"}]},
            component=[part("8480-6", 120), part("8462-4", 80)],
        )  # fmt: skip
        return changed(found, **elements)

    def test_kept(self) -> None:
        """A blood pressure as it should be."""
        assert check_profile(self.pressure(), f"{BASE}bp", known()) == []

    def test_missing_part(self) -> None:
        """Without the diastolic value it is none."""
        found = check_profile(self.pressure(component=self.pressure()["component"][:1]), f"{BASE}bp", known())

        assert {(one.severity, one.code, one.expression) for one in found} == {
            ("error", "required", "Observation.component")
        }

    def test_other_unit(self) -> None:
        """A pressure in another unit breaks the fixed value of its own slice."""
        parts = self.pressure()["component"]
        parts[0]["valueQuantity"]["code"] = "kPa"
        found = check_profile(self.pressure(component=parts), f"{BASE}bp", known())

        assert {(one.code, one.expression) for one in found} == {
            ("value", "Observation.component[0].valueQuantity.code"),
            ("code-invalid", "Observation.component[0].valueQuantity"),
        }

    def test_inherited(self) -> None:
        """What all vital signs must have is asked of a blood pressure."""
        found = check_profile(self.pressure(category=None, effectiveDateTime=None), f"{BASE}bp", known())

        assert {one.expression for one in found} == {"Observation.category", "Observation.effective"}


def components(*parts: Json) -> Json:
    """An observation of these components."""
    return changed(OBSERVATION, valueQuantity=None, component=list(parts))
