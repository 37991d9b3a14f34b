"""Expressions of custom parameters: what they find, and why others are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.definitions import official
from records.definitions.fhirpath import NotCompiled, parse
from records.definitions.walks import Walker, to_path
from records.search.custom_walk import follow

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "birthDate": "1985-06-12",
    "_birthDate": {"extension": [{"url": "urn:time", "valueDateTime": "1985-06-12T08:30:00+08:00"}]},
    "name": [
        {"use": "official", "family": "王", "given": ["晓", "梅"]},
        {"use": "nickname", "given": ["小梅"]},
    ],
    "telecom": [
        {"system": "phone", "value": "1", "use": "home"}, {"system": "email", "value": "2"},
        {"system": "phone", "value": "3", "use": "old"},
    ],
    "contact": [{"telecom": [{"system": "phone", "value": "4"}]}],
    "identifier": [
        {"type": {"coding": [{"system": "s", "code": "MR"}]}, "value": "m"},
        {"type": {"coding": [{"system": "t", "code": "MR"}]}, "value": "n"}, {"value": "o"},
    ],
    "deceasedBoolean": False,
    "multipleBirthInteger": 2,
    "generalPractitioner": [{"reference": "Practitioner/d"}, {"reference": "http://x/Organization/o/_history/2"}],
    "extension": [
        {"url": "urn:race", "extension": [{"url": "code", "valueCoding": {"code": "a"}},
                                          {"url": "words", "valueString": "b"}]},
        {"url": "urn:plain", "valueString": "c"}, {"url": "urn:plain", "valueCode": "d"},
    ],
}  # fmt: skip


def found(expression: str, resource: dict[str, Any] = PATIENT) -> list[Any]:
    """The values that an expression finds in a resource."""
    walker = Walker(official())
    paths = [to_path(walker.walk((resource["resourceType"],), one)) for one in parse(expression)]
    return [one.value for path in paths for one in follow(path, resource)]


class TestFound:
    @pytest.mark.parametrize(
        ("expression", "values"),
        [
            ("Patient.name.given", ["晓", "梅", "小梅"]),
            ("name.where(use = 'nickname').given", ["小梅"]),
            ("Patient.name.first().given", ["晓", "梅"]),
            ("Patient.name[1].given[0]", ["小梅"]),
            ("Patient.telecom.where(system='phone').value", ["1", "3"]),
            ("Patient.telecom.where(system='phone' and use!='old').value", ["1"]),
            ("Patient.telecom.where(system='phone' or system='email').value", ["1", "2", "3"]),
            ("Patient.telecom.where(use.exists().not()).value", ["2"]),
            ("(Patient.telecom | Patient.contact.telecom).where(system='phone').value", ["1", "3", "4"]),
            ("Patient.telecom.value | Patient.contact.telecom.value", ["1", "2", "3", "4"]),
            ("Patient.identifier.where(type.coding.code='MR').value", ["m", "n"]),
            ("Patient.identifier.where(type.coding.where(system='t' and code='MR').exists()).value", ["n"]),
            ("Patient.identifier.where(type.coding.exists(system='s')).value", ["m"]),
            ("Patient.extension('urn:plain').value", ["c", "d"]),
            ("Patient.extension('urn:plain').value.ofType(code)", ["d"]),
            ("(Patient.extension('urn:plain').value as string)", ["c"]),
            ("Patient.extension.where(url='urn:plain').value.as(string)", ["c"]),
            ("Patient.extension('urn:race').extension('code').value", [{"code": "a"}]),
            ("Patient.extension('urn:race').extension('words').value as string", ["b"]),
            ("Patient.birthDate.extension('urn:time').value", ["1985-06-12T08:30:00+08:00"]),
            ("Patient.deceased", [False]),
            ("Patient.deceased.ofType(boolean)", [False]),
            ("Patient.deceased.ofType(dateTime)", []),
            ("Patient.multipleBirth.where($this is integer)", [2]),
            ("Patient.photo.exists()", [False]),
            ("Patient.name.exists(use='official')", [True]),
            ("Patient.generalPractitioner.where(resolve() is Practitioner).reference", ["Practitioner/d"]),
            ("Patient.generalPractitioner.where(resolve() is Organization).reference",
             ["http://x/Organization/o/_history/2"]),
        ],
    )  # fmt: skip
    def test_values(self, expression: str, values: list[Any]) -> None:
        """Each shape of the subset, on one patient."""
        assert found(expression) == values

    def test_backbone(self) -> None:
        """Elements inside elements, also those that are shaped like another one."""
        item = {"linkId": "1", "item": [{"linkId": "1.1", "item": [{"linkId": "1.1.1"}]}]}
        resource = {"resourceType": "Questionnaire", "status": "draft", "item": [item]}

        assert found("Questionnaire.item.item.item.linkId", resource) == ["1.1.1"]


class TestRefused:
    @pytest.mark.parametrize(
        ("expression", "at", "words"),
        [
            ("Patient.name.trim()", 13, "trim() is not compiled"),
            ("Patient.colour", 8, "Patient has no element colour"),
            ("Patient.name.use.code", 17, "code has no element code"),
            ("Patient.valueString", 8, "no element"),
            ("Patient.birthDate.ofType(Quantity)", 18, "never a Quantity"),
            ("Patient.name.where(use)", 22, "compares"),
            ("Patient.name.where(period = 'x')", 13, "cannot be compared"),
            ("Patient.name.where(use = name)", 25, "in quotes"),
            ("Patient.name.where(use ~ 'x')", 23, "a character"),
            ("Patient.name.where(use='x'", 26, "where ) was expected"),
            ("Patient.name.given & 'x'", 19, "a character"),
            ("Patient.active and Patient.deceased", 15, "operator and"),
            ("Patient.gender.where(resolve() is Group)", 15, "no reference"),
            ("Patient.generalPractitioner.resolve().name", 28, "resolve() is not compiled"),
            ("Patient.photo.exists().url", 23, "nothing may follow"),
            ("%resource.name", 0, "%resource"),
            ("", 0, "the end"),
            ("(" * 100 + "Patient.name" + ")" * 100, 21, "nested too deep"),
            ("Patient.name" + " | Patient.name" * 1_000, 4_000, "characters"),
        ],
    )
    def test_where(self, expression: str, at: int, words: str) -> None:
        """What is beyond the subset is named with its place."""
        with pytest.raises(NotCompiled) as refused:
            found(expression)

        assert words in refused.value.text
        assert refused.value.at == at

    @given(st.text("Patient.name()|[]'=! where$this%0a\\", max_size=40))
    def test_any_text(self, expression: str) -> None:
        """Whatever is written is compiled or refused, and never another error."""
        try:
            found(expression)
        except NotCompiled:
            return
