"""Rules of single elements: each kind with a resource that keeps it and one that does not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from profile_samples import (
    BASE,
    LOINC,
    OBSERVATION,
    OWN,
    PATIENT,
    UCUM,
    Listed,
    changed,
    checked,
    element,
    errors,
    extension,
    known,
    profile,
    slicing,
)  # fmt: skip

from records.errors import Issue
from records.validation.profiles import check_profile

Json = dict[str, Any]


def reference_to(url: str) -> Json:
    """A subject that refers to nothing else."""
    return profile(
        "ref", "Observation", element("Observation.subject", type=[{"code": "Reference", "targetProfile": [url]}])
    )


class TestCardinality:
    def test_least(self) -> None:
        """An optional element is made mandatory, also inside of another that is there."""
        asked = profile("p", "Patient", element("Patient.birthDate", min=1), element("Patient.contact.name", min=1))

        assert errors(PATIENT, asked) == []
        assert errors(changed(PATIENT, birthDate=None), asked) == [("required", "Patient.birthDate")]
        assert errors(changed(PATIENT, contact=[{"telecom": [{"system": "phone", "value": "1"}]}]), asked) == [
            ("required", "Patient.contact[0].name")
        ]
        assert errors(changed(PATIENT, contact=None), asked) == []

    def test_most(self) -> None:
        """A list is made shorter, an element forbidden."""
        asked = profile("p", "Patient", element("Patient.name", max="1"), element("Patient.photo", max="0"))

        assert errors(PATIENT, asked) == []
        assert errors(changed(PATIENT, name=[{"text": "王"}, {"text": "张"}]), asked) == [("structure", "Patient.name")]
        assert errors(changed(PATIENT, photo=[{"url": "http://example.org/1"}]), asked) == [
            ("structure", "Patient.photo")
        ]

    def test_choice(self) -> None:
        """A choice is there in whatever type; under the name of one type only that type counts."""
        any_type = profile("p", "Observation", element("Observation.value[x]", min=1))
        no_text = profile("p", "Observation", element("Observation.valueString", max="0"))

        assert errors(OBSERVATION, any_type) == errors(OBSERVATION, no_text) == []
        assert errors(changed(OBSERVATION, valueQuantity=None), any_type) == [("required", "Observation.value")]
        text = changed(OBSERVATION, valueQuantity=None, valueString="131")
        assert errors(text, any_type) == []
        assert errors(text, no_text) == [("structure", "Observation.valueString")]

    def test_extension_alone(self) -> None:
        """A primitive that only says by an extension why it is not there, is there."""
        asked = profile("p", "Patient", element("Patient.birthDate", min=1))
        absent = {"extension": [{"url": f"{BASE}data-absent-reason", "valueCode": "unknown"}]}

        assert errors(changed(PATIENT, birthDate=None, _birthDate=absent), asked) == []

    def test_must_support(self) -> None:
        """mustSupport asks nothing of a resource."""
        asked = profile("p", "Patient", element("Patient.photo", mustSupport=True))

        assert checked(PATIENT, asked) == []


class TestValues:
    @pytest.mark.parametrize(
        ("path", "said", "good", "bad"),
        [
            ("status", {"fixedCode": "final"}, {}, {"status": "amended"}),
            ("code", {"patternCodeableConcept": {"coding": [{"system": LOINC, "code": "718-7"}]}}, {},
             {"code": {"coding": [{"system": LOINC, "code": "1-1"}]}}),
            ("category", {"patternCodeableConcept": {"coding": [{"code": "lab"}]}}, {},
             {"category": [{"text": "lab"}]}),
            ("value[x]", {"fixedQuantity": OBSERVATION["valueQuantity"]},
             {"valueQuantity": OBSERVATION["valueQuantity"] | {"value": Decimal("131.0")}},
             {"valueQuantity": OBSERVATION["valueQuantity"] | {"comparator": "<"}}),
            ("value[x]", {"minValueQuantity": {"value": 20, "system": UCUM, "code": "g/L"}}, {},
             {"valueQuantity": OBSERVATION["valueQuantity"] | {"value": 2}}),
            ("value[x]", {"minValueQuantity": {"value": 20, "system": UCUM, "code": "g/L"}}, {},
             {"valueQuantity": OBSERVATION["valueQuantity"] | {"code": "mg/L"}}),
            ("value[x]", {"maxValueQuantity": {"value": 131, "system": UCUM, "code": "g/L"}}, {},
             {"valueQuantity": OBSERVATION["valueQuantity"] | {"value": Decimal("131.5")}}),
            ("effective[x]", {"minValueDateTime": "2026-01-01"}, {}, {"effectiveDateTime": "2025-12-31"}),
        ],
    )  # fmt: skip
    def test_observation(self, path: str, said: Json, good: Json, bad: Json) -> None:
        """Fixed, pattern, least and greatest values."""
        asked = profile("p", "Observation", element(f"Observation.{path}", **said))

        assert errors(changed(OBSERVATION, **good), asked) == []
        ((code, place),) = errors(changed(OBSERVATION, **bad), asked)
        assert (code, place.partition("[")[0].startswith(f"Observation.{path.removesuffix('[x]')}")) == ("value", True)

    def test_false_is_no_zero(self) -> None:
        """A fixed boolean is not met by a number, nor the other way round."""
        asked = profile("p", "Patient", element("Patient.multipleBirth[x]", fixedInteger=1))

        assert errors(changed(PATIENT, multipleBirthInteger=1), asked) == []
        assert errors(changed(PATIENT, multipleBirthBoolean=True), asked) != []

    def test_length(self) -> None:
        """The longest text that is taken."""
        asked = profile("p", "Patient", element("Patient.name.family", maxLength=2))

        assert errors(PATIENT, asked) == []
        assert errors(changed(PATIENT, name=[{"family": "司马欧"}]), asked) == [("too-long", "Patient.name[0].family")]


class TestTypes:
    def test_type(self) -> None:
        """A choice is narrowed to some of its types."""
        asked = profile("p", "Observation", element("Observation.value[x]", type=[{"code": "Quantity"}]))

        assert errors(OBSERVATION, asked) == []
        assert errors(changed(OBSERVATION, valueQuantity=None, valueString="1"), asked) == [
            ("structure", "Observation.valueString")
        ]

    def test_profile_of_type(self) -> None:
        """A datatype by a profile of its own, here HL7's SimpleQuantity."""
        simple = [{"code": "Quantity", "profile": [f"{BASE}SimpleQuantity"]}]
        asked = profile("p", "Observation", element("Observation.value[x]", type=simple))

        assert errors(OBSERVATION, asked) == []
        below = OBSERVATION["valueQuantity"] | {"comparator": "<"}
        assert ("structure", "Observation.valueQuantity.comparator") in errors(
            changed(OBSERVATION, valueQuantity=below), asked
        )

    def test_one_of_profiles(self) -> None:
        """Of several profiles, one is enough; none is told with all their names."""
        first = profile("a", "Identifier", element("Identifier.system", fixedUri="urn:a"), kind="complex-type")
        second = profile("b", "Identifier", element("Identifier.system", fixedUri="urn:b"), kind="complex-type")
        either = [{"code": "Identifier", "profile": [f"{OWN}a", f"{OWN}b"]}]
        asked = profile("p", "Patient", element("Patient.identifier", type=either))

        assert errors(changed(PATIENT, identifier=[{"system": "urn:b"}]), asked, first, second) == []
        assert errors(PATIENT, asked, first, second) == [("structure", "Patient.identifier[0]")]

    def test_unknown_profile_of_type(self) -> None:
        """What nobody knows is told, and not taken for kept."""
        asked = profile(
            "p", "Patient", element("Patient.identifier", type=[{"code": "Identifier", "profile": [f"{OWN}x"]}])
        )

        assert checked(PATIENT, asked) == [("warning", "not-found", "Patient.identifier[0]")]


class TestTargets:
    def test_type(self) -> None:
        """A reference is narrowed to some resource types."""
        asked = reference_to(f"{BASE}Patient")

        assert errors(OBSERVATION, asked) == []
        assert errors(changed(OBSERVATION, subject={"reference": "http://other.org/fhir/Group/1"}), asked) == [
            ("value", "Observation.subject")
        ]
        assert errors(changed(OBSERVATION, subject={"type": "Device", "display": "x"}), asked) == [
            ("value", "Observation.subject")
        ]
        assert errors(changed(OBSERVATION, subject={"display": "somebody"}), asked) == []

    def test_profile(self) -> None:
        """A target that came along conforms to the profile; of one elsewhere only the type is asked."""
        born = profile("born", "Patient", element("Patient.birthDate", min=1))
        asked = reference_to(f"{OWN}born")
        inside = [changed(PATIENT, id="x")]
        own = changed(OBSERVATION, contained=inside, subject={"reference": "#x"})

        assert errors(OBSERVATION, asked, born) == errors(own, asked, born) == []
        own["contained"] = [changed(PATIENT, id="x", birthDate=None)]
        assert errors(own, asked, born) == [("structure", "Observation.subject")]
        assert errors(changed(OBSERVATION, subject={"reference": "Group/1"}), asked, born) == [
            ("value", "Observation.subject")
        ]

    def test_entry(self) -> None:
        """The same for an entry of the bundle around it."""
        born = profile("born", "Patient", element("Patient.birthDate", min=1))
        entry = element(
            "Bundle.entry.resource",
            type=[{"code": "Observation", "profile": [f"{OWN}ref"]}, {"code": "Patient"}],
        )
        asked = profile("bundle", "Bundle", entry)
        bundle = {
            "resourceType": "Bundle", "type": "collection",
            "entry": [{"fullUrl": "http://x.org/Patient/p1", "resource": changed(PATIENT, birthDate=None)},
                      {"fullUrl": "http://x.org/Observation/o1", "resource": OBSERVATION}],
        }  # fmt: skip

        assert errors(bundle, asked, reference_to(f"{OWN}born"), born) == [
            ("structure", "Bundle.entry[1].resource.subject")
        ]


class TestBindings:
    BOUND = profile(
        "p", "Observation",
        element("Observation.code", binding={"strength": "required", "valueSet": "http://example.org/vs"}),
        element("Observation.valueQuantity.code", binding={"strength": "required", "valueSet": "http://example.org/u"}),
    )  # fmt: skip
    WORDS = Listed({"http://example.org/vs": {LOINC: {"718-7"}}, "http://example.org/u": {UCUM: {"g/L"}}})

    def test_required(self) -> None:
        """One of the codings, and a plain code whose system is understood."""
        other = {"coding": [{"system": "urn:x", "code": "718-7"}, {"system": LOINC, "code": "1-1"}]}

        assert errors(OBSERVATION, self.BOUND, vocabulary=self.WORDS) == []
        assert errors(changed(OBSERVATION, code=other), self.BOUND, vocabulary=self.WORDS) == [
            ("code-invalid", "Observation.code")
        ]
        grams = OBSERVATION["valueQuantity"] | {"code": "g"}
        assert errors(changed(OBSERVATION, valueQuantity=grams), self.BOUND, vocabulary=self.WORDS) == [
            ("code-invalid", "Observation.valueQuantity.code")
        ]

    def test_unknown(self) -> None:
        """A value set that nobody knows is told; nothing is invalid by it, and nothing silently valid."""
        assert checked(OBSERVATION, self.BOUND) == [
            ("warning", "not-supported", "Observation.code"),
            ("warning", "not-supported", "Observation.valueQuantity.code"),
        ]

    def test_weaker(self) -> None:
        """Extensible and preferred value sets are not asked."""
        asked = profile(
            "p", "Observation",
            element("Observation.code", binding={"strength": "extensible", "valueSet": "http://example.org/vs"}),
        )  # fmt: skip

        assert checked(changed(OBSERVATION, code={"text": "x"}), asked, vocabulary=self.WORDS) == []


class TestInvariants:
    def asked(self, expression: str, severity: str = "error") -> Json:
        rule = {"key": "own-1", "severity": severity, "human": "so it is", "expression": expression}
        return profile("p", "Patient", element("Patient", constraint=[rule]))

    def test_kept_and_broken(self) -> None:
        """A rule as FHIRPath, with the severity that it names."""
        asked = self.asked("name.exists() and identifier.where(system.startsWith('urn:oid:')).exists()")

        assert errors(PATIENT, asked) == []
        assert errors(changed(PATIENT, name=None), asked) == [("invariant", "Patient")]
        warned = checked(changed(PATIENT, name=None), self.asked("name.exists()", "warning"))
        assert warned == [("warning", "invariant", "Patient")]

    @pytest.mark.parametrize("expression", ["name.exists(", "memberOf('http://example.org')", "1 + 'x'"])
    def test_not_evaluated(self, expression: str) -> None:
        """What the engine cannot read or answer is told as such, and nothing is invalid by it."""
        assert checked(PATIENT, self.asked(expression)) == [("warning", "not-supported", "Patient")]

    def test_inside(self) -> None:
        """A rule of an element is asked of each of them, with the resource at hand."""
        rule = {
            "key": "own-2",
            "severity": "error",
            "human": "x",
            "expression": "%resource.id = 'p1' and text.exists()",
        }
        asked = profile("p", "Patient", element("Patient.contact.name", constraint=[rule]))
        two = [{"name": {"text": "王强"}}, {"name": {"family": "王"}}]

        assert errors(changed(PATIENT, contact=two), asked) == [("invariant", "Patient.contact[1].name")]


class TestBases:
    def test_differential_over_profile(self) -> None:
        """A profile over a profile asks both, and the nearer says what counts."""
        first = profile("a", "Patient", element("Patient.birthDate", min=1), element("Patient.name", max="3"))
        second = profile("b", "Patient", element("Patient.name", max="1"), base=f"{OWN}a")

        assert errors(PATIENT, second, first) == []
        poor = changed(PATIENT, birthDate=None, name=[{"text": "a"}, {"text": "b"}])
        assert sorted(errors(poor, second, first)) == [("required", "Patient.birthDate"), ("structure", "Patient.name")]

    def test_snapshot(self) -> None:
        """Where there is a snapshot, it is what counts."""
        elements = [element("Patient", min=0, max="*"), element("Patient.birthDate", min=1, max="1")]
        asked = profile("p", "Patient", snapshot={"element": elements})

        assert errors(PATIENT, asked) == []
        assert errors(changed(PATIENT, birthDate=None), asked) == [("required", "Patient.birthDate")]

    def test_without_ids(self) -> None:
        """Elements without ids are placed by path and slice name."""
        bare: list[Json] = [
            {"path": "Patient.identifier", "slicing": slicing("value:system")},
            {"path": "Patient.identifier", "sliceName": "a", "min": 1},
            {"path": "Patient.identifier.system", "fixedUri": "urn:a"},
            {"path": "Patient.identifier.value", "min": 1},
            {"path": "Patient.birthDate", "min": 1},
        ]  # fmt: skip
        asked = profile("p", "Patient", *bare)
        both = [*PATIENT["identifier"], {"system": "urn:a"}]

        assert errors(changed(PATIENT, identifier=both), asked) == [("required", "Patient.identifier[1].value")]
        assert errors(PATIENT, asked) == [("required", "Patient.identifier")]

    @pytest.mark.parametrize(
        ("broken", "why"),
        [
            (profile("p", "Patient", element("Patient.colour", min=1)), "colour"),
            (profile("p", "Patient", element("Patient.name"), base=f"{OWN}none"), "is not known"),
            (profile("p", "Patient", element("Patient.name"), base=f"{OWN}p"), "circle"),
            (profile("p", "Patient", element("Patient.name"), base=f"{BASE}bodyweight"), "another type"),
            (profile("p", "Patient", derivation="specialization"), "no constraint"),
            (profile("p", "Patient"), "neither"),
            (profile("p", "Patient", element("Patient.name:a/b")), "slices a slice again"),
            (profile("p", "Patient", element("Patient.name", max="many")), "well formed"),
            (
                profile(
                    "p", "Patient", element("Patient.name", slicing=slicing("colour:use")), element("Patient.name:a")
                ),
                "no valid StructureDefinition",
            ),
        ],
    )
    def test_unusable(self, broken: Json, why: str) -> None:
        """A definition that cannot be used is an error that says why, never a resource that passes."""
        (found,) = check_profile(PATIENT, f"{OWN}p", known(broken))

        assert (found.severity, found.code) == ("error", "not-supported")
        assert why in found.text

    def test_other_type(self) -> None:
        """A profile of another type is no profile of this resource."""
        (found,) = check_profile(PATIENT, f"{BASE}bodyweight", known())

        assert found == Issue("Patient", f"The profile {BASE}bodyweight is about Observation, not Patient.", "invalid")

    def test_base_type(self) -> None:
        """A type of R4 is its own profile."""
        assert check_profile(PATIENT, f"{BASE}Patient", known()) == []
        assert [one.code for one in check_profile(PATIENT, f"{BASE}Group", known())] == ["invalid"]

    def test_recursion(self) -> None:
        """A definition that leads to itself is walked once for each element."""
        part = element("Extension.extension", type=[{"code": "Extension", "profile": [f"{OWN}deep"]}])
        deep = extension("deep", part)
        nested: Json = {"url": f"{OWN}deep", "valueString": "x"}
        for _ in range(20):
            nested = {"url": f"{OWN}deep", "extension": [nested]}

        assert errors(changed(PATIENT, extension=[nested]), profile("p", "Patient", element("Patient")), deep) == []
