"""
ValueSet/$expand: what the dictionary, R4 and stored resources hold; filters, pages, languages, what cannot be listed.

https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from __future__ import annotations

from typing import Any

import pytest
from fhir_world import World, issue

Json = dict[str, Any]
SEX, HYPERTENSION = "urn:oid:2.16.156.10011.2.3.3.4", "urn:hie:valueset:hypertension"
GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"
ICD = "http://hl7.org/fhir/sid/icd-10"
OWN, SET = "http://example.org/cs/wards", "http://example.org/vs/wards"
WARDS: Json = {
    "resourceType": "CodeSystem", "id": "wards", "url": OWN, "version": "2", "status": "active", "content": "complete",
    "language": "en", "hierarchyMeaning": "is-a", "name": "Wards",
    "property": [{"code": "beds", "type": "integer"}, {"code": "inactive", "type": "boolean"}],
    "concept": [
        {"code": "int", "display": "Internal medicine", "designation": [{"language": "zh-CN", "value": "内科"}],
         "concept": [
             {"code": "card", "display": "Cardiology", "property": [{"code": "beds", "valueInteger": 40}],
              "designation": [{"language": "zh-CN", "value": "心血管内科"}]},
             {"code": "neph", "display": "Nephrology", "property": [{"code": "beds", "valueInteger": 20}]},
         ]},
        {"code": "surg", "display": "Surgery"},
        {"code": "old", "display": "Fever ward", "property": [{"code": "inactive", "valueBoolean": True}]},
    ],
}  # fmt: skip


def value_set(*include: Json, exclude: tuple[Json, ...] = (), **elements: Any) -> Json:
    """A value set of these parts."""
    compose = {"include": list(include)} | ({"exclude": list(exclude)} if exclude else {})
    return {"resourceType": "ValueSet", "id": "wards", "url": SET, "status": "active", "compose": compose, **elements}


def below(code: str, op: str = "is-a", name: str = "concept") -> Json:
    """The part of the wards that meets a filter."""
    return {"system": OWN, "filter": [{"property": name, "op": op, "value": code}]}


def codes(answer: Any) -> list[str]:
    """The codes of an expansion, in their order."""
    assert answer.status_code == 200, answer.text
    return [one["code"] for one in answer.json()["expansion"].get("contains", ())]


async def expanded(world: World, given: Json, **parameters: Any) -> Any:
    """The expansion of a value set that is sent along."""
    said = [{"name": name, "valueString": str(value)} for name, value in parameters.items()]
    body = {"resourceType": "Parameters", "parameter": [{"name": "valueSet", "resource": given}, *said]}
    return await world.post("/ValueSet/$expand", body)


class TestDictionary:
    async def test_region(self, world: World) -> None:
        """A value set of the dictionary: its codes with Chinese names, and the release that they are of."""
        answer = await world.get(f"/ValueSet/$expand?url={HYPERTENSION}")
        expansion = answer.json()["expansion"]

        assert codes(answer) == ["I10", "I11", "I12", "I13", "I15"]
        assert expansion["total"] == 5
        assert expansion["contains"][0] == {"system": ICD, "code": "I10", "display": "特发性(原发性)高血压"}
        assert [one["valueUri"].partition("|")[0] for one in expansion["parameter"]] == [ICD]

    async def test_open(self, world: World) -> None:
        """Where only a part of the code system is held, the expansion says that there may be others."""
        expansion = (await world.get(f"/ValueSet/$expand?url={HYPERTENSION}")).json()["expansion"]

        assert expansion["extension"][0]["url"].endswith("valueset-unclosed")

    async def test_hl7(self, world: World) -> None:
        """A value set of the specification, also at its version; another version is not there."""
        answer = await world.get(f"/ValueSet/$expand?url={GENDER}|4.0.1")

        assert codes(answer) == ["male", "female", "other", "unknown"]
        assert "extension" not in answer.json()["expansion"]
        assert issue(await world.get(f"/ValueSet/$expand?url={GENDER}|5"))[:2] == (404, "not-found")

    async def test_xml(self, world: World) -> None:
        """By XML as well."""
        answer = await world.get(f"/ValueSet/$expand?url={GENDER}&_format=xml")

        assert answer.headers["content-type"].startswith("application/fhir+xml")
        assert b'<code value="female"/>' in answer.content


class TestStored:
    async def test_url_and_instance(self, world: World) -> None:
        """A stored value set is expanded by its address and at its own, with what a stored code system says."""
        await world.made(WARDS, value_set({"system": OWN}))

        by_url, at_it = await world.get(f"/ValueSet/$expand?url={SET}"), await world.get("/ValueSet/wards/$expand")
        assert codes(by_url) == codes(at_it) == ["int", "card", "neph", "surg", "old"]
        assert by_url.json()["expansion"]["contains"][4] == {
            "system": OWN, "inactive": True, "code": "old", "display": "Fever ward",
        }  # fmt: skip
        assert "compose" not in by_url.json()

    async def test_changed(self, world: World) -> None:
        """A new version of what it is made of holds at once."""
        await world.made(WARDS, value_set({"system": OWN}))
        before = (await world.get(f"/ValueSet/$expand?url={SET}")).json()["expansion"]
        await world.made(WARDS | {"concept": [{"code": "new", "display": "New"}]})
        after = await world.get(f"/ValueSet/$expand?url={SET}")

        assert codes(after) == ["new"]
        assert after.json()["expansion"]["identifier"] != before["identifier"]

    async def test_versions(self, world: World) -> None:
        """Without a version the newest is taken, `url|version` and valueSetVersion take another."""
        await world.made(WARDS)
        for version, code in (("9.0", "surg"), ("10.0", "card")):
            part = {"system": OWN, "concept": [{"code": code}]}
            await world.made(value_set(part, id=f"w{version}", version=version))

        assert codes(await world.get(f"/ValueSet/$expand?url={SET}")) == ["card"]
        assert codes(await world.get(f"/ValueSet/$expand?url={SET}|9.0")) == ["surg"]
        assert codes(await world.get(f"/ValueSet/$expand?url={SET}&valueSetVersion=9")) == ["surg"]

    async def test_supplement(self, world: World) -> None:
        """Names of a supplement are names of the code."""
        more = {"code": "surg", "designation": [{"language": "fr", "value": "Chirurgie"}]}
        supplement = {
            "resourceType": "CodeSystem", "id": "fr", "url": f"{OWN}-fr", "status": "active", "content": "supplement",
            "supplements": OWN, "concept": [more],
        }  # fmt: skip
        await world.made(WARDS, supplement, value_set({"system": OWN}))
        found = await world.get(f"/ValueSet/$expand?url={SET}&displayLanguage=fr&filter=chirurgie")

        assert [(one["code"], one["display"]) for one in found.json()["expansion"]["contains"]] == [
            ("surg", "Chirurgie")
        ]

    async def test_goes_first(self, world: World) -> None:
        """What was stored goes before what is built in."""
        await world.made(value_set({"system": ICD, "concept": [{"code": "I10"}]}, url=HYPERTENSION))

        assert codes(await world.get(f"/ValueSet/$expand?url={HYPERTENSION}")) == ["I10"]


class TestComposition:
    @pytest.mark.parametrize(
        ("include", "expected"),
        [
            ([below("int")], ["int", "card", "neph"]),
            ([below("int", "descendent-of")], ["card", "neph"]),
            ([below("int", "is-not-a")], ["surg", "old"]),
            ([below("card", "generalizes")], ["int", "card"]),
            ([below("surg,old", "in")], ["surg", "old"]),
            ([below("int,card,neph", "not-in")], ["surg", "old"]),
            ([below("40", "=", "beds")], ["card"]),
            ([below("true", "exists", "beds")], ["card", "neph"]),
            ([below("[a-d].*", "regex", "code")], ["card"]),
            ([below("int", "=", "parent")], ["card", "neph"]),
            ([below("true", "=", "inactive")], ["old"]),
            ([{"system": OWN, "concept": [{"code": "neph"}, {"code": "none"}, {"code": "card"}]}], ["neph", "card"]),
            ([below("int"), {"system": OWN, "concept": [{"code": "card"}, {"code": "surg"}]}],
             ["int", "card", "neph", "surg"]),
        ],
    )  # fmt: skip
    async def test_part(self, world: World, include: list[Json], expected: list[str]) -> None:
        """Filters, lists, and several parts; a code that the system does not have is none."""
        await world.made(WARDS)

        assert codes(await expanded(world, value_set(*include))) == expected

    async def test_both_filters(self, world: World) -> None:
        """A concept meets all filters of a part."""
        await world.made(WARDS)
        part = below("int") | {"filter": [*below("int")["filter"], *below("20", "=", "beds")["filter"]]}

        assert codes(await expanded(world, value_set(part))) == ["neph"]

    async def test_exclude(self, world: World) -> None:
        """What is taken out is not there."""
        await world.made(WARDS)

        assert codes(await expanded(world, value_set({"system": OWN}, exclude=(below("int"),)))) == ["surg", "old"]

    async def test_sets_in_sets(self, world: World) -> None:
        """Several value sets of one part: what is in all of them; built-in ones, too."""
        inner = value_set(below("int"), id="inner", url=f"{SET}/inner")
        await world.made(WARDS, inner)
        part = {"system": OWN, "concept": [{"code": "surg"}, {"code": "card"}], "valueSet": [inner["url"]]}

        assert codes(await expanded(world, value_set(part))) == ["card"]
        assert codes(await expanded(world, value_set({"valueSet": [GENDER]}))) == ["male", "female", "other", "unknown"]

    async def test_inactive(self, world: World) -> None:
        """Codes that are not to be used any more: by the definition, and by the request."""
        await world.made(WARDS)
        whole = value_set({"system": OWN})
        active = whole | {"compose": {**whole["compose"], "inactive": False}}

        assert "old" in codes(await expanded(world, whole))
        assert "old" not in codes(await expanded(world, active))
        assert "old" not in codes(await expanded(world, whole, activeOnly="true"))

    async def test_expansion_alone(self, world: World) -> None:
        """A value set that came with nothing but an expansion."""
        contains = [{"system": OWN, "abstract": True, "code": "x", "contains": [{"system": OWN, "code": "y"}]}]
        given = {"resourceType": "ValueSet", "status": "active", "expansion": {
            "timestamp": "2026-01-01", "contains": contains}}  # fmt: skip

        assert codes(await expanded(world, given)) == ["x", "y"]
        assert codes(await expanded(world, given, excludeNotForUI="true")) == ["y"]

    async def test_bare_body(self, world: World) -> None:
        """The value set as the body, without Parameters around it."""
        await world.made(WARDS)

        assert codes(await world.post("/ValueSet/$expand", value_set(below("int")))) == ["int", "card", "neph"]


class TestFilter:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [("cardio", ["card"]), ("ology", ["card", "neph"]), ("内科", ["int", "card"]), ("心血管 内科", ["card"]),
         ("MEDICINE int", ["int"]), ("g", ["card", "neph", "surg"]), ("nothing", []), ("neph", ["neph"])],
    )  # fmt: skip
    async def test_text(self, world: World, text: str, expected: list[str]) -> None:
        """Every word anywhere in the code or a name, in any language, without case."""
        await world.made(WARDS | {"concept": WARDS["concept"][:2]}, value_set({"system": OWN}))

        answer = await world.get(f"/ValueSet/$expand?url={SET}&filter={text}")
        assert codes(answer) == expected
        assert answer.json()["expansion"]["total"] == len(codes(answer))

    async def test_own_names(self, world: World) -> None:
        """The names that the value set itself gives."""
        await world.made(WARDS)
        given = value_set({"system": OWN, "concept": [{"code": "card", "display": "Heart ward"}, {"code": "surg"}]})
        answer = await expanded(world, given, filter="heart")

        assert [one["display"] for one in answer.json()["expansion"]["contains"]] == ["Heart ward"]


class TestPages:
    async def test_stable(self, world: World) -> None:
        """All pages are of one expansion: one identifier, one total, every code once."""
        url = "http://hl7.org/fhir/ValueSet/resource-types"
        pages = [(await world.get(f"/ValueSet/$expand?url={url}&count=50&offset={at}")).json() for at in (0, 50, 100)]
        found = [one["code"] for page in pages for one in page["expansion"].get("contains", ())]

        assert len({page["expansion"]["identifier"] for page in pages}) == 1
        assert {page["expansion"]["total"] for page in pages} == {len(found)} == {len(set(found))}
        assert [page["expansion"]["offset"] for page in pages] == [0, 50, 100]
        assert {"name": "count", "valueInteger": 50} in pages[0]["expansion"]["parameter"]

    async def test_beyond_the_end(self, world: World) -> None:
        """Behind the last code there is nothing; a count of nothing tells the total."""
        assert codes(await world.get(f"/ValueSet/$expand?url={GENDER}&offset=9")) == []
        nothing = (await world.get(f"/ValueSet/$expand?url={GENDER}&count=0")).json()["expansion"]

        assert (nothing["total"], "contains" in nothing) == (4, False)

    async def test_too_many(self, world: World) -> None:
        """More than are listed at once: refused without a count, in pages with one."""
        many = [{"code": f"c{number:05}", "display": f"Ward {number}"} for number in range(10_001)]
        await world.made(WARDS | {"concept": many}, value_set({"system": OWN}))

        refused = issue(await world.get(f"/ValueSet/$expand?url={SET}"))
        assert refused[:2] == (422, "too-costly")
        assert codes(await world.get(f"/ValueSet/$expand?url={SET}&count=2&offset=9999")) == ["c09999", "c10000"]
        assert codes(await world.get(f"/ValueSet/$expand?url={SET}&filter=ward 9999")) == ["c09999"]


class TestNames:
    async def test_language(self, world: World) -> None:
        """The name in the language asked for, or that the client reads; else the system's own."""
        await world.made(WARDS, value_set({"system": OWN}))

        async def named(query: str = "", **headers: str) -> str:
            answer = await world.get(f"/ValueSet/$expand?url={SET}&filter=card{query}", **headers)
            return str(answer.json()["expansion"]["contains"][0]["display"])

        assert {await named(one) for one in ("", "&displayLanguage=en-GB", "&displayLanguage=de")} == {"Cardiology"}
        assert await named("&displayLanguage=zh") == "心血管内科"
        assert await named(accept_language="fr;q=0.9, zh-CN;q=0.8, en;q=0.5") == "心血管内科"

    async def test_designations(self, world: World) -> None:
        """Every other name where it is asked for, or those of a language."""
        answer = await world.get(f"/ValueSet/$expand?url={HYPERTENSION}&includeDesignations=true&filter=I10")
        found = answer.json()["expansion"]["contains"][0]["designation"]

        assert {one["language"] for one in found} == {"zh-CN", "en"}
        only = await world.get(
            f"/ValueSet/$expand?url={HYPERTENSION}&includeDesignations=true&designation=urn:ietf:bcp:47|en&filter=I10"
        )
        assert [one["language"] for one in only.json()["expansion"]["contains"][0]["designation"]] == ["en"]

    async def test_definition(self, world: World) -> None:
        """With its definition where that is asked for, of a built-in one, too."""
        answer = await world.get(f"/ValueSet/$expand?url={HYPERTENSION}&includeDefinition=true")

        assert answer.json()["compose"]["include"][0]["filter"][0]["op"] == "is-a"


class TestSystems:
    async def test_versions(self, world: World) -> None:
        """Which release of a code system is meant, where the value set says none; which is forced; which may be."""
        disease = "urn:hie:notifiable-disease"
        given = value_set({"system": disease})

        for version, count in (("2025-09", 41), ("2023-09", 42)):
            assert len(codes(await expanded(world, given, **{"system-version": f"{disease}|{version}"}))) == count
        pinned = value_set({"system": disease, "version": "2025-09"})
        assert len(codes(await expanded(world, pinned, **{"force-system-version": f"{disease}|2023-09"}))) == 42
        refused = await expanded(world, given, **{"check-system-version": f"{disease}|2023-09"})
        assert refused.status_code == 422

    async def test_without(self, world: World) -> None:
        """The codes of a system may be left out."""
        await world.made(WARDS)
        given = value_set(below("int"), {"valueSet": [GENDER]})

        assert codes(await expanded(world, given, **{"exclude-system": OWN}))[0] == "male"


class TestRefusals:
    @pytest.mark.parametrize(
        ("query", "status", "code"),
        [
            ("?url=http://example.org/nothing", 404, "not-found"),
            ("", 400, "invalid"),
            ("?url=http://hl7.org/fhir/ValueSet/ucum-units", 422, "too-costly"),
            ("?url=http://hl7.org/fhir/ValueSet/all-languages", 422, "too-costly"),
            ("?url=http://hl7.org/fhir/ValueSet/body-site", 422, "not-found"),
            (f"?url={GENDER}&count=many", 400, "not-supported"),
            (f"?url={GENDER}&activeOnly=maybe", 400, "not-supported"),
            (f"?url={GENDER}&date=2020", 400, "not-supported"),
            (f"?url={GENDER}&count=1&count=2", 400, "not-supported"),
            (f"?url={GENDER}&valueSet=x", 400, "not-supported"),
            (f"?url={GENDER}&system-version=x", 400, "not-supported"),
        ],
    )
    async def test_refused(self, world: World, query: str, status: int, code: str) -> None:
        """Unknown sets and systems, endless systems, parameters that are not taken: each with its reason."""
        assert issue(await world.get(f"/ValueSet/$expand{query}"))[:2] == (status, code)

    @pytest.mark.parametrize(
        "expression", ["(a+)+", "(a|a)*b", "a*b*c*d*", r"(a)\1", "(?=a)b", "(", "a" * 300, "a{99999999999999999999}"]
    )
    async def test_costly_expressions(self, world: World, expression: str) -> None:
        """A regular expression that could take forever is not begun."""
        await world.made(WARDS)

        answer = await expanded(world, value_set(below(expression, "regex", "code")))
        assert issue(answer)[:2] == (422, "not-supported")

    async def test_unknown_inside(self, world: World) -> None:
        """A set or a system that is named inside and is not there; a circle; a property that nothing has."""
        for part, expected in (
            ({"valueSet": ["http://example.org/nothing"]}, "not-found"),
            ({"system": "http://example.org/nothing"}, "not-found"),
            ({"system": ICD, "filter": [{"property": "colour", "op": "=", "value": "red"}]}, "not-supported"),
        ):
            assert issue(await expanded(world, value_set(part)))[:2] == (422, expected)
        await world.made(value_set({"valueSet": [SET]}))
        assert issue(await world.get(f"/ValueSet/$expand?url={SET}"))[:2] == (422, "not-supported")

    async def test_shape(self, world: World) -> None:
        """Bodies that are none: another resource, another type in its place."""
        assert issue(await world.post("/ValueSet/$expand", WARDS))[0] == 400
        named = {"resourceType": "Parameters", "parameter": [{"name": "valueSet", "resource": WARDS}]}
        assert issue(await world.post("/ValueSet/$expand", named))[0] == 400
