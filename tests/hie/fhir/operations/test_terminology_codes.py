"""
CodeSystem/$lookup, $subsumes, and $validate-code of code systems and value sets: yes, no, and what cannot be said.

https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

from typing import Any

import pytest
from fhir_world import World, issue

Json = dict[str, Any]
ICD, LOINC = "http://hl7.org/fhir/sid/icd-10", "http://loinc.org"
SEX, DRUG = "urn:oid:2.16.156.10011.2.3.3.4", "urn:hie:drug"
GENDER, GENDERS = "http://hl7.org/fhir/administrative-gender", "http://hl7.org/fhir/ValueSet/administrative-gender"
HYPERTENSION = "urn:hie:valueset:hypertension"
MARITAL = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
OWN, SET = "http://example.org/cs/animals", "http://example.org/vs/animals"
ANIMALS: Json = {
    "resourceType": "CodeSystem", "id": "animals", "url": OWN, "version": "1.2", "status": "active",
    "content": "complete", "caseSensitive": False, "name": "Animals", "title": "Animals of the ward",
    "concept": [
        {"code": "Mammal", "display": "Mammals", "property": [{"code": "notSelectable", "valueBoolean": True}],
         "concept": [{"code": "Cat", "display": "Cat", "definition": "It purrs.",
                      "designation": [{"language": "de", "value": "Katze", "use": {
                          "system": "http://snomed.info/sct", "code": "900000000000013009"}}]}]},
        {"code": "Bat", "display": "Bat", "property": [{"code": "parent", "valueCode": "Mammal"},
                                                       {"code": "wings", "valueInteger": 2}]},
    ],
}  # fmt: skip
SETTING: Json = {
    "resourceType": "ValueSet", "id": "animals", "url": SET, "status": "active",
    "compose": {"include": [{"system": OWN, "concept": [{"code": "Cat", "display": "Pussycat"}, {"code": "Bat"}]}]},
}  # fmt: skip


def told(answer: Any) -> dict[str, Any]:
    """The simple parameters of an answer."""
    assert answer.status_code == 200, answer.text
    return {
        one["name"]: next(value for name, value in one.items() if name.startswith("value"))
        for one in answer.json()["parameter"]
        if "part" not in one
    }


def parted(answer: Any, name: str) -> list[dict[str, Any]]:
    """The parameters that are made of parts."""
    return [
        {part["name"]: next(value for key, value in part.items() if key.startswith("value")) for part in one["part"]}
        for one in answer.json()["parameter"]
        if one["name"] == name
    ]


def parameters(**given: Any) -> Json:
    """Parameters of codings, concepts and resources."""
    found = []
    for name, value in given.items():
        kind = "resource" if "resourceType" in value else "valueCodeableConcept" if "coding" in value else "valueCoding"
        found.append({"name": name, kind: value})
    return {"resourceType": "Parameters", "parameter": found}


class TestLookup:
    async def test_region(self, world: World) -> None:
        """A code of the dictionary: names in both languages, what is known about it, the release."""
        answer = await world.get(f"/CodeSystem/$lookup?system={DRUG}&code=D0008")
        found = told(answer)

        assert found["display"]
        assert found["version"] == "2026-11"
        assert [one["language"] for one in parted(answer, "designation")] == ["en"]
        assert {"code": "atc", "value": "J01DD04"} in parted(answer, "property")
        assert {"code": "essential", "value": True} in parted(answer, "property")

    async def test_stored(self, world: World) -> None:
        """A code of a stored system, by its address and at its own; above, below, definition."""
        await world.made(ANIMALS)
        by_url = await world.get(f"/CodeSystem/$lookup?system={OWN}&code=Cat")
        at_it = await world.get("/CodeSystem/animals/$lookup?code=Cat")

        assert told(by_url) == told(at_it) == {"name": "Animals of the ward", "version": "1.2", "display": "Cat"}
        said = {one["code"]: one["value"] for one in parted(by_url, "property")}
        assert said == {"definition": "It purrs.", "inactive": False, "parent": "Mammal"}
        above = parted(await world.get(f"/CodeSystem/$lookup?system={OWN}&code=Mammal"), "property")
        assert [one["value"] for one in above if one["code"] == "child"] == ["Cat", "Bat"]

    async def test_chosen(self, world: World) -> None:
        """Only the properties that are asked for; in the language that is asked for."""
        await world.made(ANIMALS)
        answer = await world.get(
            f"/CodeSystem/$lookup?system={OWN}&code=bat&property=wings&property=parent&displayLanguage=de"
        )

        assert [one["code"] for one in parted(answer, "property")] == ["parent", "wings"]
        assert parted(answer, "designation") == []
        english = await world.get(f"/CodeSystem/$lookup?system={SEX}&code=2&displayLanguage=en")
        assert told(english)["display"] == "female"

    async def test_coding(self, world: World) -> None:
        """By POST with a coding."""
        answer = await world.post("/CodeSystem/$lookup", parameters(coding={"system": GENDER, "code": "male"}))

        assert told(answer)["display"] == "男"

    async def test_whole_with_names_of_the_region(self, world: World) -> None:
        """What the region holds in part and HL7 whole is answered whole, with the region's names."""
        answer = await world.get(f"/CodeSystem/$lookup?system={MARITAL}&code=M")
        rest = await world.get(f"/CodeSystem/$lookup?system={MARITAL}&code=T")

        assert told(answer)["display"] == "Married"
        assert "zh-CN" in {one.get("language") for one in parted(answer, "designation")}
        assert told(rest)["display"] == "Domestic partner"

    @pytest.mark.parametrize(
        ("query", "status", "code"),
        [
            ("?system=http://example.org/none&code=a", 404, "not-found"),
            (f"?system={SEX}&code=7", 404, "not-found"),
            (f"?system={LOINC}&code=1-1", 404, "not-found"),
            (f"?system={SEX}&version=1&code=1", 404, "not-found"),
            (f"?system={SEX}", 400, "invalid"),
            ("?code=1", 400, "invalid"),
            (f"?system={SEX}&code=1&colour=red", 400, "not-supported"),
        ],
    )
    async def test_refused(self, world: World, query: str, status: int, code: str) -> None:
        """What is not there is said to be not there."""
        assert issue(await world.get(f"/CodeSystem/$lookup{query}"))[:2] == (status, code)


class TestSubsumes:
    @pytest.mark.parametrize(
        ("system", "a", "b", "outcome"),
        [
            (ICD, "A15", "A15.0", "subsumes"), (ICD, "I10.x02", "I10", "subsumed-by"),
            (ICD, "I10", "I10", "equivalent"), (ICD, "I10", "I11", "not-subsumed"),
            (OWN, "Mammal", "bat", "subsumes"), (OWN, "cat", "CAT", "equivalent"),
            ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "_ActEncounterCode", "IMP", "subsumes"),
        ],
    )  # fmt: skip
    async def test_related(self, world: World, system: str, a: str, b: str, outcome: str) -> None:
        """By prefix, by nesting, by parent; a code finer than what is held lies below it."""
        await world.made(ANIMALS)

        answer = await world.get(f"/CodeSystem/$subsumes?system={system}&codeA={a}&codeB={b}")
        assert told(answer) == {"outcome": outcome}

    async def test_codings_and_instance(self, world: World) -> None:
        """By POST with codings, and at the code system."""
        await world.made(ANIMALS)
        sides = parameters(codingA={"system": OWN, "code": "Cat"}, codingB={"system": OWN, "code": "Mammal"})

        assert told(await world.post("/CodeSystem/$subsumes", sides))["outcome"] == "subsumed-by"
        at_it = await world.get("/CodeSystem/animals/$subsumes?codeA=Cat&codeB=Bat")
        assert told(at_it)["outcome"] == "not-subsumed"

    async def test_refused(self, world: World) -> None:
        """Unknown codes and systems, two systems, one side missing."""
        assert issue(await world.get(f"/CodeSystem/$subsumes?system={SEX}&codeA=1&codeB=7"))[:2] == (404, "not-found")
        assert issue(await world.get("/CodeSystem/$subsumes?system=urn:x&codeA=1&codeB=2"))[:2] == (404, "not-found")
        assert issue(await world.get(f"/CodeSystem/$subsumes?system={SEX}&codeA=1"))[0] == 400
        two = parameters(codingA={"system": SEX, "code": "1"}, codingB={"system": ICD, "code": "I10"})
        assert issue(await world.post("/CodeSystem/$subsumes", two))[0] == 400


class TestOfSystem:
    @pytest.mark.parametrize(
        ("query", "result", "message"),
        [
            (f"url={SEX}&code=1", True, ""),
            (f"url={SEX}&code=1&display=男", True, ""),
            (f"url={SEX}&code=1&display=male", True, ""),
            (f"url={SEX}&code=1&display=女", False, "display"),
            (f"url={SEX}&code=7", False, "not in the code system"),
            (f"url={LOINC}&code=1-1", False, "cannot be said"),
            ("url=urn:oid:2.16.156.10011.2.3.3.11&code=I10", True, ""),
            ("url=http://unitsofmeasure.org&code=mg/dL", True, ""),
            ("url=urn:ietf:bcp:47&code=zh-CN", True, ""),
            ("url=urn:iso:std:iso:4217&code=XYZ", False, "not in the code system"),
            (f"url={OWN}&code=cAT&display=katze", True, ""),
            (f"url={OWN}&code=Mammal", True, ""),
            (f"url={OWN}&code=Mammal&abstract=false", False, "grouping"),
            (f"url={OWN}&version=1&code=Cat", True, ""),
        ],
    )
    async def test_answer(self, world: World, query: str, result: bool, message: str) -> None:
        """A code is one or is none, its name is one of its names; of a part that is held no is not said as if sure."""
        await world.made(ANIMALS)

        found = told(await world.get(f"/CodeSystem/$validate-code?{query}"))
        assert found["result"] is result, found
        assert message in found.get("message", "")
        assert bool(message) == ("message" in found)

    async def test_right_name(self, world: World) -> None:
        """A wrong name is answered with the right one."""
        found = told(await world.get(f"/CodeSystem/$validate-code?url={GENDER}&code=female&display=woman"))

        assert (found["result"], bool(found["display"])) == (False, True)

    async def test_instance_and_inline(self, world: World) -> None:
        """At a stored code system, and with one that is sent along."""
        await world.made(ANIMALS)

        assert told(await world.get("/CodeSystem/animals/$validate-code?code=Bat"))["result"] is True
        coding = {"system": OWN, "code": "Dog"}
        no = await world.post("/CodeSystem/animals/$validate-code", parameters(coding=coding))
        assert told(no)["result"] is False
        sent = ANIMALS | {"url": "http://example.org/cs/other", "concept": [{"code": "x"}]}
        body = parameters(codeSystem=sent, coding={"system": sent["url"], "code": "x"})
        assert told(await world.post("/CodeSystem/$validate-code", body))["result"] is True

    async def test_concept(self, world: World) -> None:
        """Of a concept one coding that is right is enough."""
        await world.made(ANIMALS)
        concept = {"coding": [{"system": SEX, "code": "1"}, {"system": OWN, "code": "Cat"}]}

        answer = await world.post("/CodeSystem/animals/$validate-code", parameters(codeableConcept=concept))
        assert told(answer)["result"] is True

    @pytest.mark.parametrize(
        ("query", "status", "code"),
        [
            ("url=http://example.org/none&code=a", 404, "not-found"), (f"url={SEX}|1999&code=1", 404, "not-found"),
            (f"url={SEX}", 400, "invalid"), ("code=1", 400, "invalid"),
            (f"url={SEX}&code=1&abstract=x", 400, "not-supported"),
        ],
    )  # fmt: skip
    async def test_refused(self, world: World, query: str, status: int, code: str) -> None:
        """What nobody here can say is an error."""
        assert issue(await world.get(f"/CodeSystem/$validate-code?{query}"))[:2] == (status, code)


class TestOfSet:
    @pytest.mark.parametrize(
        ("query", "result", "message"),
        [
            (f"url={HYPERTENSION}&system={ICD}&code=I10", True, ""),
            (f"url={HYPERTENSION}&system={ICD}&code=I10.x02", True, "finer"),
            (f"url={HYPERTENSION}&system={ICD}&code=I20", False, "not in the value set"),
            (f"url={HYPERTENSION}&system={ICD}&code=ZZZ", False, "not in the value set"),
            (f"url=urn:hie:valueset:essential-medicines&system={DRUG}&code=D9", False, "not in the value set"),
            (f"url={HYPERTENSION}&system={LOINC}&code=I10", False, "not in the value set"),
            (f"url={HYPERTENSION}&system=urn:oid:2.16.156.10011.2.3.3.11&code=I10", True, ""),
            (f"url={GENDERS}|4.0.1&system={GENDER}&code=female", True, ""),
            (f"url={GENDERS}&system={GENDER}&code=woman", False, "not in the value set"),
            ("url=http://hl7.org/fhir/ValueSet/ucum-units&system=http://unitsofmeasure.org&code=kg", True, ""),
            ("url=http://hl7.org/fhir/ValueSet/mimetypes&system=urn:ietf:bcp:13&code=text/plain", True, ""),
            (f"url={SET}&system={OWN}&code=Cat&display=Pussycat", True, ""),
            (f"url={SET}&system={OWN}&code=Cat&display=Cat", True, ""),
            (f"url={SET}&system={OWN}&code=Cat&display=Dog", False, "display"),
            (f"url={SET}&system={OWN}&code=Mammal", False, "not in the value set"),
            (f"url={SET}&system={OWN}&systemVersion=1.2&code=Bat", True, ""),
        ],
    )
    async def test_answer(self, world: World, query: str, result: bool, message: str) -> None:
        """By list, hierarchy and grammar; names of the value set's own; finer codes by what they lie below."""
        await world.made(ANIMALS, SETTING)

        found = told(await world.get(f"/ValueSet/$validate-code?{query}"))
        assert found["result"] is result, found
        assert message in found.get("message", "")
        assert bool(message) == ("message" in found)

    async def test_instance_and_concept(self, world: World) -> None:
        """At a stored value set, with a coding, with a concept, and with a value set that is sent along."""
        await world.made(ANIMALS, SETTING)
        bat, foreign = {"system": OWN, "code": "Bat"}, {"system": SEX, "code": "1"}

        for body, result in (
            (parameters(coding=bat), True), (parameters(coding=foreign), False),
            (parameters(codeableConcept={"coding": [foreign, bat]}), True),
        ):  # fmt: skip
            assert told(await world.post("/ValueSet/animals/$validate-code", body))["result"] is result
        body = parameters(valueSet=SETTING | {"url": "urn:x"}, coding=bat)
        assert told(await world.post("/ValueSet/$validate-code", body))["result"] is True

    async def test_unknown_inside(self, world: World) -> None:
        """A value set of a system that is not held: an error for a code of that system, no for any other."""
        given = SETTING | {"compose": {"include": [{"system": "http://snomed.info/sct"}]}}
        sct, other = {"system": "http://snomed.info/sct", "code": "1"}, {"system": SEX, "code": "1"}

        refused = await world.post("/ValueSet/$validate-code", parameters(valueSet=given, coding=sct))
        assert issue(refused)[:2] == (422, "not-found")
        no = await world.post("/ValueSet/$validate-code", parameters(valueSet=given, coding=other))
        assert told(no)["result"] is False

    @pytest.mark.parametrize(
        ("query", "status", "code"),
        [
            (f"url=http://example.org/none&system={SEX}&code=1", 404, "not-found"),
            (f"url={GENDERS}&code=female", 400, "invalid"),
            (f"url={GENDERS}&system={GENDER}", 400, "invalid"),
            (f"url={GENDERS}&system={GENDER}&systemVersion=9&code=male", 404, "not-found"),
            (f"url={GENDERS}&system={GENDER}&code=male&context=x", 400, "not-supported"),
        ],
    )
    async def test_refused(self, world: World, query: str, status: int, code: str) -> None:
        """Unknown sets and releases, a code without its system, what is not taken."""
        assert issue(await world.get(f"/ValueSet/$validate-code?{query}"))[:2] == (status, code)

    async def test_batch(self, world: World) -> None:
        """Many codes in one batch, each with an answer of its own."""
        urls = [f"ValueSet/$validate-code?url={GENDERS}&system={GENDER}&code={one}" for one in ("male", "x")]
        urls.append("ValueSet/$validate-code?url=urn:none&system=urn:x&code=1")
        entries = [{"request": {"method": "GET", "url": one}} for one in urls]
        posted = parameters(coding={"system": GENDER, "code": "other"})
        posted["parameter"].append({"name": "url", "valueUri": GENDERS})
        entries.append({"resource": posted, "request": {"method": "POST", "url": "ValueSet/$validate-code"}})
        answer = await world.post("", {"resourceType": "Bundle", "type": "batch", "entry": entries})
        found = answer.json()["entry"]

        assert [one["response"]["status"] for one in found] == ["200", "200", "404", "200"]
        results = [one["resource"]["parameter"][0]["valueBoolean"] for one in found if "resource" in one]
        assert results == [True, False, True]
        assert found[2]["response"]["outcome"]["issue"][0]["code"] == "not-found"

    async def test_xml(self, world: World) -> None:
        """Asked and answered in XML."""
        body = (
            '<Parameters xmlns="http://hl7.org/fhir">'
            f'<parameter><name value="url"/><valueUri value="{GENDERS}"/></parameter>'
            f'<parameter><name value="coding"/><valueCoding><system value="{GENDER}"/>'
            '<code value="male"/></valueCoding></parameter></Parameters>'
        )
        xml = "application/fhir+xml"
        answer = await world.post("/ValueSet/$validate-code", body, content_type=xml, accept=xml)

        assert answer.status_code == 200, answer.text
        assert '<name value="result"/><valueBoolean value="true"/>' in answer.text
