"""Extensions that a resource uses: defined, not defined, in the wrong place, with the wrong content."""

from __future__ import annotations

from typing import Any

from profile_samples import BASE, OWN, PATIENT, changed, element, errors, extension, known, profile, slicing

from records.validation import validate
from records.validation.profiles import check_extensions

Json = dict[str, Any]
VALUE = element("Extension.value[x]", min=1, type=[{"code": "string"}])


def found(resource: Json, *definitions: Json) -> list[tuple[str, str, str]]:
    """Severity, code and place of what is found about the extensions of a valid resource."""
    assert validate(resource) == []
    return [(one.severity, one.code, one.expression) for one in check_extensions(resource, known(*definitions))]


def extended(*extensions: Json, **elements: Any) -> Json:
    """A patient with these extensions."""
    return changed(PATIENT, extension=list(extensions), **elements)


class TestDefined:
    def test_content(self) -> None:
        """By its definition: the type of its value, and that there is one."""
        village = extension("village", VALUE)

        assert found(extended({"url": f"{OWN}village", "valueString": "x"}), village) == []
        assert found(extended({"url": f"{OWN}village", "valueInteger": 1}), village) == [
            ("error", "structure", "Patient.extension[0].valueInteger")
        ]

    def test_core(self) -> None:
        """HL7's own extensions are known, also inside of datatypes and of primitives."""
        born = {"extension": [{"url": f"{BASE}patient-birthTime", "valueDateTime": "1985-06-12T08:00:00+08:00"}]}
        assert found(changed(PATIENT, _birthDate=born)) == []
        born["extension"][0] = {"url": f"{BASE}patient-birthTime", "valueString": "early"}

        assert found(changed(PATIENT, _birthDate=born)) == [
            ("error", "structure", "Patient.birthDate.extension[0].valueString")
        ]

    def test_context(self) -> None:
        """It may only be where its definition says."""
        village = extension("village", VALUE, on="Address")
        one = {"url": f"{OWN}village", "valueString": "x"}

        assert found(changed(PATIENT, address=[{"extension": [one]}]), village) == []
        assert found(extended(one), village) == [("error", "extension", "Patient.extension[0]")]

    def test_context_of_extension(self) -> None:
        """A part that may only be in another extension."""
        context = [{"type": "extension", "expression": f"{OWN}whole"}]
        part = extension("part", VALUE) | {"context": context}
        whole = extension("whole", element("Extension.extension", max="2"))
        inner = {"url": f"{OWN}part", "valueString": "x"}

        assert found(extended({"url": f"{OWN}whole", "extension": [inner]}), part, whole) == []
        assert found(extended(inner), part, whole) == [("error", "extension", "Patient.extension[0]")]

    def test_complex(self) -> None:
        """The parts of a complex extension are slices by their short addresses."""
        whole = extension(
            "ethnic",
            element("Extension.extension", slicing=slicing("value:url", rules="closed")),
            element("Extension.extension:group", min=1, max="1"),
            element("Extension.extension:group.url", fixedUri="group"),
            element("Extension.extension:group.value[x]", type=[{"code": "code"}]),
        )  # fmt: skip
        good = {"url": f"{OWN}ethnic", "extension": [{"url": "group", "valueCode": "01"}]}

        assert found(extended(good), whole) == []
        assert found(extended(good | {"extension": [{"url": "tribe", "valueCode": "01"}]}), whole) == [
            ("error", "required", "Patient.extension[0].extension"),
            ("error", "structure", "Patient.extension[0].extension[0]"),
        ]

    def test_modifier(self) -> None:
        """What changes the meaning stands among the modifiers, and nothing else does."""
        negated = extension("negated", element("Extension", isModifier=True), VALUE)
        village = extension("village", VALUE)
        one, two = ({"url": f"{OWN}{name}", "valueString": "x"} for name in ("negated", "village"))

        assert found(changed(PATIENT, modifierExtension=[one], extension=[two]), negated, village) == []
        assert found(changed(PATIENT, modifierExtension=[two], extension=[one]), negated, village) == [
            ("error", "extension", "Patient.modifierExtension[0]"), ("error", "extension", "Patient.extension[0]"),
        ]  # fmt: skip


class TestNotDefined:
    def test_allowed(self) -> None:
        """Anybody may extend: it is told, and nothing is invalid by it. One that changes the meaning is a warning."""
        one = {"url": "http://example.org/unheard", "valueString": "x"}

        assert found(extended(one)) == [("information", "extension", "Patient.extension[0]")]
        assert found(changed(PATIENT, modifierExtension=[one])) == [
            ("warning", "extension", "Patient.modifierExtension[0]")
        ]

    def test_not_an_extension(self) -> None:
        """The address of something else."""
        other = profile("other", "Patient", element("Patient.name", min=1))

        assert found(extended({"url": f"{OWN}other", "valueString": "x"}), other) == [
            ("error", "extension", "Patient.extension[0]")
        ]


class TestAskedByProfile:
    def test_slice(self) -> None:
        """A profile that asks for an extension, as national profiles do."""
        village = extension("village", VALUE)
        kind = [{"code": "Extension", "profile": [f"{OWN}village"]}]
        asked = profile("p", "Patient", element("Patient.extension:village", min=1, type=kind))
        there = extended(
            {"url": "http://example.org/x", "valueString": "x"}, {"url": f"{OWN}village", "valueString": "x"}
        )

        assert errors(there, asked, village) == []
        assert errors(PATIENT, asked, village) == [("required", "Patient.extension")]
        wrong = extended({"url": f"{OWN}village", "valueInteger": 1})
        assert errors(wrong, asked, village) == [("structure", "Patient.extension[0].valueInteger")]
