"""
ConceptMap/$translate: by one map or by all that lead there, forward and back, stored, of the region and of HL7.

https://hl7.org/fhir/R4/conceptmap-operation-translate.html
"""

from __future__ import annotations

from typing import Any

import pytest
from fhir_world import World, issue
from test_terminology_codes import parameters, told

Json = dict[str, Any]
DRUG, ATC, MAP = "urn:hie:drug", "http://www.whocc.no/atc", "urn:hie:map:drug-to-atc"
WARD, ROOM, OWN = "http://example.org/cs/ward", "http://example.org/cs/room", "http://example.org/cm/ward-to-room"


def target(code: str = "", equivalence: str = "equivalent", **elements: Any) -> Json:
    """One meaning."""
    return ({"code": code} if code else {}) | {"equivalence": equivalence, **elements}


def concept_map(*elements: tuple[str, list[Json]], unmapped: Json | None = None, **others: Any) -> Json:
    """A map from wards to rooms."""
    group: Json = {"source": WARD, "target": ROOM}
    group["element"] = [{"code": code, "target": targets} for code, targets in elements]
    return {
        "resourceType": "ConceptMap", "id": "rooms", "url": OWN, "status": "active",
        "group": [group | ({"unmapped": unmapped} if unmapped else {})], **others,
    }  # fmt: skip


def matches(answer: Any) -> list[tuple[str, str]]:
    """Equivalence and code of each match."""
    found = []
    for one in answer.json()["parameter"]:
        if one["name"] == "match":
            part = {part["name"]: part for part in one["part"]}
            code = part["concept"]["valueCoding"]["code"] if "concept" in part else ""
            found.append((part["equivalence"]["valueCode"], code))
    return found


class TestMaps:
    async def test_region(self, world: World) -> None:
        """A map of the dictionary, with the name of what it leads to and the map that says so."""
        answer = await world.get(f"/ConceptMap/$translate?url={MAP}&system={DRUG}&code=D0008")
        (match,) = [one["part"] for one in answer.json()["parameter"] if one["name"] == "match"]

        assert told(answer) == {"result": True}
        assert match[0] == {"name": "equivalence", "valueCode": "wider"}
        assert match[1]["valueCoding"] == {"system": ATC, "code": "J01DD04", "display": "头孢曲松"}
        assert match[2]["valueUri"].startswith(f"{MAP}|")

    async def test_hl7(self, world: World) -> None:
        """A map of the specification."""
        url = "http://hl7.org/fhir/ConceptMap/cm-administrative-gender-v3"
        answer = await world.get(
            f"/ConceptMap/$translate?url={url}&system=http://hl7.org/fhir/administrative-gender&code=male"
        )

        assert matches(answer) == [("equal", "M")]

    async def test_stored(self, world: World) -> None:
        """A stored map by its address, at its own, at a version; and one that is sent along."""
        await world.made(concept_map(("a", [target("1"), target("2", "wider")])))
        query = f"system={WARD}&code=a"

        expected = [("equivalent", "1"), ("wider", "2")]
        assert matches(await world.get(f"/ConceptMap/$translate?url={OWN}&{query}")) == expected
        assert matches(await world.get(f"/ConceptMap/rooms/$translate?{query}")) == expected
        sent = parameters(conceptMap=concept_map(("b", [target("3")])), coding={"system": WARD, "code": "b"})
        assert matches(await world.post("/ConceptMap/$translate", sent)) == [("equivalent", "3")]

    async def test_nothing(self, world: World) -> None:
        """A code that the map does not name, and one that it says has no counterpart."""
        await world.made(concept_map(("a", [target(equivalence="unmatched")])))

        silent = await world.get(f"/ConceptMap/rooms/$translate?system={WARD}&code=z")
        assert told(silent) == {"result": False, "message": "The map says nothing of the code."}
        none = await world.get(f"/ConceptMap/rooms/$translate?system={WARD}&code=a")
        assert (told(none)["result"], matches(none)) == (False, [("unmatched", "")])

    async def test_concept(self, world: World) -> None:
        """Of a concept every coding is translated."""
        await world.made(concept_map(("a", [target("1")]), ("b", [target("2")])))
        sent = ((WARD, "a"), ("urn:x", "a"), (WARD, "b"))
        concept = {"coding": [{"system": system, "code": code} for system, code in sent]}

        answer = await world.post("/ConceptMap/rooms/$translate", parameters(codeableConcept=concept))
        assert [code for _, code in matches(answer)] == ["1", "2"]


class TestReverse:
    async def test_back(self, world: World) -> None:
        """Every code that leads to it; what was wider is narrower; what has no counterpart does not lead there."""
        elements = {"a": "wider", "b": "equivalent", "c": "disjoint"}
        await world.made(concept_map(*((code, [target("1", said)]) for code, said in elements.items())))

        answer = await world.get(f"/ConceptMap/rooms/$translate?system={ROOM}&code=1&reverse=true")
        assert matches(answer) == [("narrower", "a"), ("equivalent", "b")]

    async def test_region(self, world: World) -> None:
        """All drugs of an ATC code, without naming the map."""
        answer = await world.get(f"/ConceptMap/$translate?system={ATC}&code=J01DC02&targetsystem={DRUG}&reverse=true")

        assert matches(answer) == [("narrower", "D0005"), ("narrower", "D0006")]


class TestAllMaps:
    async def test_by_system(self, world: World) -> None:
        """Without a map: every one that leads from the system, to the target system where one is named."""
        await world.made(concept_map(("a", [target("1")])))
        away = {"source": WARD, "target": "urn:elsewhere", "element": [{"code": "a", "target": [target("x")]}]}
        await world.made(concept_map() | {"id": "away", "url": f"{OWN}/away", "group": [away]})

        every = await world.get(f"/ConceptMap/$translate?system={WARD}&code=a")
        assert sorted(code for _, code in matches(every)) == ["1", "x"]
        assert matches(await world.get(f"/ConceptMap/$translate?system={WARD}&code=a&targetsystem={ROOM}")) == [
            ("equivalent", "1")
        ]

    async def test_by_value_set(self, world: World) -> None:
        """Between the value sets that are named."""
        gender = "http://hl7.org/fhir/ValueSet/administrative-gender"
        v3 = "http://terminology.hl7.org/ValueSet/v3-AdministrativeGender"
        query = f"system=http://hl7.org/fhir/administrative-gender&code=male&source={gender}"

        assert matches(await world.get(f"/ConceptMap/$translate?{query}&target={v3}")) == [("equal", "M")]

    async def test_none(self, world: World) -> None:
        """No map at all is told in words."""
        found = told(await world.get("/ConceptMap/$translate?system=urn:x&code=a"))

        assert found == {"result": False, "message": "No map that is known here leads from there to there."}


class TestRules:
    @pytest.mark.parametrize(
        ("unmapped", "expected"),
        [
            ({"mode": "provided"}, [("equal", "z")]),
            ({"mode": "fixed", "code": "other", "display": "Another"}, [("inexact", "other")]),
            ({"mode": "other-map", "url": f"{OWN}/more"}, [("equivalent", "9")]),
            ({"mode": "other-map", "url": OWN}, []),
        ],
    )
    async def test_unmapped(self, world: World, unmapped: Json, expected: list[tuple[str, str]]) -> None:
        """What the map does with other codes: keep them, one code for all, another map; a circle ends."""
        more = concept_map(("z", [target("9")])) | {"id": "more", "url": f"{OWN}/more"}
        await world.made(more, concept_map(("a", [target("1")]), unmapped=unmapped))

        assert matches(await world.get(f"/ConceptMap/$translate?url={OWN}&system={WARD}&code=z")) == expected

    async def test_dependencies(self, world: World) -> None:
        """A meaning that depends on something else holds where that is given; what comes along is told."""
        needs = [{"property": "http://example.org/sex", "value": "female"}]
        product = [{"property": "http://example.org/laterality", "system": "urn:side", "value": "left"}]
        await world.made(concept_map(("a", [target("1"), target("2", dependsOn=needs, product=product)])))
        body = parameters(coding={"system": WARD, "code": "a"})

        assert [code for _, code in matches(await world.post("/ConceptMap/rooms/$translate", body))] == ["1"]
        body["parameter"].append(
            {"name": "dependency", "part": [
                {"name": "element", "valueUri": "http://example.org/sex"},
                {"name": "concept", "valueCodeableConcept": {"coding": [{"code": "female"}]}},
            ]}
        )  # fmt: skip
        answer = await world.post("/ConceptMap/rooms/$translate", body)
        assert [code for _, code in matches(answer)] == ["1", "2"]
        assert '"system":"urn:side","code":"left"' in answer.text

    @pytest.mark.parametrize(
        ("query", "status", "code"),
        [
            ("?url=http://example.org/none&system=urn:x&code=a", 404, "not-found"),
            (f"?url={MAP}&code=D0008", 400, "invalid"),
            (f"?url={MAP}&system={DRUG}", 400, "invalid"),
            (f"?url={MAP}&system={DRUG}&code=D0008&reverse=x", 400, "not-supported"),
            ("/none/$translate", 404, "not-found"),
        ],
    )
    async def test_refused(self, world: World, query: str, status: int, code: str) -> None:
        """What is not there, and what is not said."""
        path = f"/ConceptMap{query}" if query.startswith("/") else f"/ConceptMap/$translate{query}"
        if query.startswith("/"):
            path += "?system=urn:x&code=a"
        assert issue(await world.get(path))[:2] == (status, code)
