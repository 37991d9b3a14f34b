"""
One truth about codes: expansion, validation and searches by value set and hierarchy agree; who may ask; what is told.

https://hl7.org/fhir/R4/search.html#token, https://hl7.org/fhir/R4/terminologycapabilities.html
"""

from __future__ import annotations

from typing import Any

import pytest
from fhir_world import World, ids, issue
from test_terminology_codes import ANIMALS, GENDERS, HYPERTENSION, ICD, OWN, SET, SETTING, told
from test_terminology_expand import WARDS, below, codes, value_set

from records import validation
from records.stored import decode
from terminology.service import terminology

Json = dict[str, Any]
SETS = ("is-a", "descendent-of", "is-not-a")


def condition(identity: str, system: str, code: str) -> Json:
    """A diagnosis."""
    coded = {"coding": [{"system": system, "code": code}]}
    return {"resourceType": "Condition", "id": identity, "subject": {"reference": "Patient/p1"}, "code": coded}


async def valid(world: World, url: str, system: str, code: str) -> bool:
    """The answer of $validate-code."""
    return bool(told(await world.get(f"/ValueSet/$validate-code?url={url}&system={system}&code={code}"))["result"])


class TestSearch:
    async def test_stored_set(self, world: World) -> None:
        """`:in` and `:not-in` a stored value set find what $validate-code says is, and is not, a member."""
        wards = WARDS["url"]
        every = ["int", "card", "neph", "surg", "old"]
        await world.made(WARDS, *(condition(one, wards, one) for one in every))
        for op in SETS:
            await world.made(value_set(below("int", op)))
            url = value_set()["url"]
            members = [one for one in every if await valid(world, url, wards, one)]

            assert sorted(codes(await world.get(f"/ValueSet/$expand?url={url}"))) == sorted(members)
            assert sorted(ids(await world.get(f"/Condition?code:in={url}"))) == sorted(members)
            assert sorted(ids(await world.get(f"/Condition?code:not-in={url}"))) == sorted(set(every) - set(members))

    async def test_finer(self, world: World) -> None:
        """Codes finer than what is held: below a code, strictly below it, and without a part."""
        found = ["I10", "I10.x02", "I11", "I11.901", "I20"]
        await world.made(*(condition(f"c{number}", ICD, one) for number, one in enumerate(found)))
        icd = {"system": ICD, "filter": [{"property": "concept", "op": "is-a", "value": "I10"}]}
        strictly = {"system": ICD, "filter": [{"property": "concept", "op": "descendent-of", "value": "I10"}]}
        other = {"system": ICD, "filter": [{"property": "concept", "op": "is-a", "value": "I11"}]}
        for include, exclude, expected in (
            ((icd, other), (), {"I10", "I10.x02", "I11", "I11.901"}), ((strictly,), (), {"I10.x02"}),
            ((icd, other), (strictly,), {"I10", "I11", "I11.901"}), ((icd, other), (other,), {"I10", "I10.x02"}),
        ):  # fmt: skip
            await world.made(value_set(*include, exclude=exclude))
            url = value_set()["url"]

            assert {one for one in found if await valid(world, url, ICD, one)} == expected
            searched = ids(await world.get(f"/Condition?code:in={url}"))
            assert {found[int(one[1:])] for one in searched} == expected

    async def test_hierarchy(self, world: World) -> None:
        """`:below` and `:above` of a stored code system are what $subsumes says."""
        every = ["Mammal", "Cat", "Bat"]
        await world.made(ANIMALS, *(condition(one, OWN, one) for one in every))
        for one in every:
            for other in every:
                answer = await world.get(f"/CodeSystem/$subsumes?system={OWN}&codeA={one}&codeB={other}")
                outcome = told(answer)["outcome"]

                assert (other in ids(await world.get(f"/Condition?code:below={OWN}|{one}"))) == (
                    outcome in ("equivalent", "subsumes")
                )
                assert (other in ids(await world.get(f"/Condition?code:above={OWN}|{one}"))) == (
                    outcome in ("equivalent", "subsumed-by")
                )

    async def test_hl7_and_filter(self, world: World) -> None:
        """Value sets of the specification, chains, and `_filter`."""
        await world.made(
            {"resourceType": "Patient", "id": "p1", "gender": "female"},
            ANIMALS, SETTING, condition("cat", OWN, "Cat"), condition("mammal", OWN, "Mammal"),
        )  # fmt: skip

        assert ids(await world.get(f"/Patient?gender:in={GENDERS}")) == ["p1"]
        assert ids(await world.get(f"/Condition?_filter=code in {SET}")) == ["cat"]
        assert ids(await world.get(f"/Condition?_filter=code ni {SET}")) == ["mammal"]
        assert ids(await world.get(f"/Condition?_filter=code ss {OWN}|Mammal&_sort=_id")) == ["cat", "mammal"]
        assert ids(await world.get(f"/Patient?_has:Condition:patient:code:in={SET}")) == ["p1"]

    async def test_cannot_be_said(self, world: World) -> None:
        """Sets that are not known or cannot be listed are refused, and never find nothing in silence."""
        for url, status, code in (
            ("http://example.org/none", 400, "not-supported"),
            ("http://hl7.org/fhir/ValueSet/body-site", 422, "not-found"),
            ("http://hl7.org/fhir/ValueSet/all-languages", 422, "too-costly"),
        ):
            assert issue(await world.get(f"/Condition?code:in={url}"))[:2] == (status, code)


class TestValidate:
    async def test_binding(self, world: World) -> None:
        """A required binding of a profile is decided by the same tables: HL7's hierarchies, too."""
        url = "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode"
        system = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
        binding = {"strength": "required", "valueSet": url}
        bound = {"id": "Encounter.class", "path": "Encounter.class", "binding": binding}
        await world.made(
            {
                "resourceType": "StructureDefinition", "id": "visit", "url": "urn:test:visit", "name": "Visit",
                "status": "active", "kind": "resource", "abstract": False, "type": "Encounter",
                "derivation": "constraint", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Encounter",
                "differential": {"element": [{"id": "Encounter", "path": "Encounter"}, bound]},
            }
        )  # fmt: skip
        for code in ("IMP", "ACUTE", "REFUSAL"):
            visit = {"resourceType": "Encounter", "status": "finished", "class": {"system": system, "code": code}}
            answer = await world.post("/Encounter/$validate?profile=urn:test:visit", visit)
            wrong = [one for one in answer.json()["issue"] if one["severity"] == "error"]

            assert bool(wrong) is not await valid(world, url, system, code), (code, wrong)


class TestRights:
    @pytest.mark.parametrize("account", ["resident", "clinician", "pharmacist", "administrator", "system"])
    async def test_every_role(self, world: World, account: str) -> None:
        """Codes show no patient: whoever may read value sets may ask."""
        await world.made(ANIMALS, SETTING)

        assert codes(await world.get("/ValueSet/animals/$expand", account=account)) == ["Cat", "Bat"]
        assert codes(await world.get(f"/ValueSet/$expand?url={SET}", account=account)) == ["Cat", "Bat"]

    async def test_nobody(self, world: World) -> None:
        """Without a token nothing is answered."""
        assert (await world.get(f"/ValueSet/$expand?url={GENDERS}", account=None)).status_code == 401

    async def test_labelled(self, world: World) -> None:
        """A definition with a label that hides it is not there: not at its address, and not inside of another."""
        secret = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]}
        await world.made(ANIMALS | {"meta": secret}, SETTING | {"meta": secret})
        whole = {"resourceType": "ValueSet", "status": "active", "compose": {"include": [{"system": OWN}]}}

        assert issue(await world.get(f"/ValueSet/$expand?url={SET}"))[:2] == (404, "not-found")
        assert issue(await world.get("/ValueSet/animals/$expand"))[:2] == (404, "not-found")
        assert issue(await world.post("/ValueSet/$expand", whole))[:2] == (422, "not-found")
        assert len(codes(await world.post("/ValueSet/$expand", whole, account="system"))) == 3

    async def test_who_defines(self, world: World) -> None:
        """Concept maps, too, are defined by a system or an administrator."""
        found = {"resourceType": "ConceptMap", "id": "m", "url": "urn:m", "status": "active"}

        assert issue(await world.put("/ConceptMap/m", found))[:2] == (403, "forbidden")
        assert (await world.put("/ConceptMap/m", found, account="system")).status_code == 201

    async def test_trail(self, world: World) -> None:
        """Every question is in the trail as an operation, answered or refused."""
        await world.get(f"/ValueSet/$expand?url={GENDERS}")
        await world.get("/CodeSystem/$lookup?system=urn:none&code=1")
        events = [decode(bytes(one["text"])) for one in await world.events()]

        assert [one["subtype"][0]["code"] for one in events] == ["operation", "operation"]
        assert [one["outcome"] for one in events] == ["0", "4"]


class TestAnswers:
    async def test_valid(self, world: World) -> None:
        """Whatever is answered is valid R4 itself, by every rule of the validator."""
        await world.made(WARDS, ANIMALS, SETTING)
        for path in (
            f"/ValueSet/$expand?url={SET}&includeDefinition=true&includeDesignations=true&count=1&activeOnly=true",
            f"/ValueSet/$expand?url={HYPERTENSION}&includeDefinition=true&includeDesignations=true&filter=I1",
            f"/ValueSet/$expand?url={GENDERS}&includeDefinition=true&exclude-system=urn:x",
            f"/ValueSet/$validate-code?url={SET}&system={OWN}&code=Dog", f"/CodeSystem/$lookup?system={OWN}&code=Cat",
            "/CodeSystem/$lookup?system=http://www.whocc.no/atc&code=J01DD04",
            f"/CodeSystem/$lookup?system={WARDS['url']}&code=card",
            f"/CodeSystem/$subsumes?system={OWN}&codeA=Cat&codeB=Bat",
            "/ConceptMap/$translate?system=urn:hie:drug&code=D0008", "/metadata?mode=terminology",
        ):  # fmt: skip
            answer = (await world.get(path)).json()
            wrong = [one for one in validation.validate(answer) if one.severity != "information"]

            assert answer["resourceType"] in ("ValueSet", "Parameters", "TerminologyCapabilities"), (path, answer)
            assert wrong == [], (path, wrong)


class TestStatement:
    async def test_systems(self, world: World) -> None:
        """Code systems of the store, of the region and of HL7, with their releases; open to everybody."""
        await world.made(ANIMALS)
        statement = (await world.get("/metadata?mode=terminology", account=None)).json()
        found = {one["uri"]: one for one in statement["codeSystem"]}

        assert found[OWN]["version"] == [{"code": "1.2", "isDefault": True}]
        assert [one["code"] for one in found["urn:hie:notifiable-disease"]["version"]] == ["2025-09", "2023-09"]
        assert "http://terminology.hl7.org/CodeSystem/v3-ActCode" in found
        assert {"name": "filter"} in statement["expansion"]["parameter"]

    async def test_operations(self, world: World) -> None:
        """The capability statement names the operations with HL7's definitions."""
        (rest,) = (await world.get("/metadata", account=None)).json()["rest"]
        offered = {
            one["type"]: {two["name"]: two["definition"] for two in one["operation"]} for one in rest["resource"]
        }

        base = "http://hl7.org/fhir/OperationDefinition"
        assert offered["ValueSet"]["expand"] == f"{base}/ValueSet-expand"
        assert offered["CodeSystem"]["validate-code"] == f"{base}/CodeSystem-validate-code"
        assert {"lookup", "subsumes"} <= offered["CodeSystem"].keys()
        assert offered["ConceptMap"]["translate"] == f"{base}/ConceptMap-translate"

    async def test_region(self, world: World) -> None:
        """The dictionary itself answers the same as the interface."""
        words, url = terminology(), HYPERTENSION
        listed = [one.concept.code for one in words.expand(url)]

        assert codes(await world.get(f"/ValueSet/$expand?url={url}")) == listed
        for code in ("I10", "I10.x02", "I20", "E11.9"):
            assert await valid(world, url, ICD, code) is words.member(url, ICD, code)
