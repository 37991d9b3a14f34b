"""
patch: four formats, its conditions, and the narrative after it. https://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from fhir_world import Json, World, issue, observation, patient

pytestmark = pytest.mark.anyio
JSON_PATCH, XML_PATCH = "application/json-patch+json", "application/xml-patch+xml"
FHIR = 'xmlns="http://hl7.org/fhir"'
NARRATIVE = '<div xmlns="http://www.w3.org/1999/xhtml">male</div>'


def replacing(path: str, value: Any) -> str:
    return json.dumps([{"op": "replace", "path": path, "value": value}])


def fhirpath(path: str, value: Json) -> Json:
    parts = [
        {"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": path}, {"name": "value", **value},
    ]  # fmt: skip
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}


class TestFormats:
    async def test_same(self, world: World) -> None:
        """Each format says the same change."""
        xml_parameters = (
            f'<Parameters {FHIR}><parameter><name value="operation"/>'
            '<part><name value="type"/><valueCode value="replace"/></part>'
            '<part><name value="path"/><valueString value="Patient.gender"/></part>'
            '<part><name value="value"/><valueCode value="female"/></part></parameter></Parameters>'
        )
        xml = f'<diff {FHIR}><replace sel="Patient/gender/@value">female</replace></diff>'
        parameters = json.dumps(fhirpath("Patient.gender", {"valueCode": "female"}))
        for media, body in (
            (JSON_PATCH, replacing("/gender", "female")), ("application/merge-patch+json", '{"gender":"female"}'),
            ("application/fhir+json", parameters), ("application/json", parameters),
            ("application/fhir+xml", xml_parameters), (XML_PATCH, xml),
        ):  # fmt: skip
            await world.made(patient(gender="male"))
            done = await world.ask("PATCH", "/Patient/p1", body, Content_Type=media)
            assert (done.status_code, done.json()["gender"]) == (200, "female"), media
        assert {JSON_PATCH, XML_PATCH} <= set((await world.get("/metadata", account=None)).json()["patchFormat"])

    @pytest.mark.parametrize(
        ("operation", "names"),
        [
            ('<add sel="Patient"><name><family value="b"/></name></add>', ["a", "b"]),
            ('<add sel="Patient/name[1]" pos="before"><name><family value="b"/></name></add>', ["b", "a"]),
            ("<replace sel=\"Patient/name[family/@value='a']\"><name><family value=\"b\"/></name></replace>", ["b"]),
            ('<add sel="/Patient/name[1]/family" type="@value">b</add>', ["b"]),
            ('<remove sel="Patient/name[1]"/>', []),
        ],
    )
    async def test_xml(self, world: World, operation: str, names: list[str]) -> None:
        """Nodes are added, replaced and removed where an XPath points."""
        await world.made(patient(name=[{"family": "a"}]))
        done = await world.ask("PATCH", "/Patient/p1", f"<diff {FHIR}>{operation}</diff>", Content_Type=XML_PATCH)

        assert [one["family"] for one in done.json().get("name", [])] == names

    async def test_xml_refused(self, world: World) -> None:
        """No functions, no axes, no entities, no other document; a place that is not there or not alone."""
        await world.made(patient())
        for body in (
            f'<diff {FHIR}><remove sel="//name"/></diff>', f'<diff {FHIR}><remove sel="Patient/photo"/></diff>',
            f'<diff {FHIR}><remove sel="document(\'/etc/passwd\')"/></diff>',
            f'<diff {FHIR}><remove sel="Patient"/></diff>', f'<diff {FHIR}><rename sel="Patient"/></diff>',
            f'<diff {FHIR}><remove sel="Patient/name[count(//*)=1]"/></diff>',
            f'<diff {FHIR}><add sel="Patient/name"><colour value="red"/></add></diff>', "<diff",
            '<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]><diff><remove sel="&e;"/></diff>',
        ):  # fmt: skip
            refused = await world.ask("PATCH", "/Patient/p1", body, Content_Type=XML_PATCH)
            assert issue(refused)[0] in (400, 422), body
        assert (await world.get("/Patient/p1")).headers["ETag"] == 'W/"1"'

    async def test_bombs(self, world: World) -> None:
        """A copy of a list into itself doubles it: its growth has an end, and so has its depth."""
        await world.made(patient())
        doubled = [{"op": "copy", "from": "/name", "path": "/name/0/given"}] * 40
        for operations in (doubled, [{"op": "copy", "from": "/name", "path": "/name/-"}] * 51):
            refused = await world.ask("PATCH", "/Patient/p1", json.dumps(operations), Content_Type=JSON_PATCH)
            assert issue(refused)[0] in (400, 422)


class TestConditions:
    async def test_if_match(self, world: World) -> None:
        """Only upon the current version."""
        await world.made(patient(), patient())
        body = replacing("/name/0/family", "李")

        stale = await world.ask("PATCH", "/Patient/p1", body, Content_Type=JSON_PATCH, If_Match='W/"1"')
        assert issue(stale)[:2] == (412, "conflict")
        done = await world.ask("PATCH", "/Patient/p1", body, Content_Type=JSON_PATCH, If_Match='W/"2"')
        assert (done.status_code, done.headers["ETag"]) == (200, 'W/"3"')

    async def test_by_condition(self, world: World) -> None:
        """The one that matches; none is not found, several are refused, and so is what is no condition."""
        await world.made(patient(), observation("a"), observation("b"))
        body = replacing("/status", "amended")
        for query, status in (("_id=a", 200), ("_id=none", 404), ("_id=a,b", 412), ("_count=1", 400)):
            answer = await world.ask("PATCH", f"/Observation?{query}", body, Content_Type=JSON_PATCH)
            assert answer.status_code == status, query
        assert issue(await world.ask("PATCH", "/Observation/none", body, Content_Type=JSON_PATCH))[0] == 404


class TestNarrative:
    async def text_after(self, world: World, status: str, operations: str) -> tuple[int, Any]:
        await world.made(patient(gender="male", text={"status": status, "div": NARRATIVE}))
        answer = await world.ask("PATCH", "/Patient/p1", operations, Content_Type=JSON_PATCH)
        return answer.status_code, answer.json().get("text")

    async def test_generated(self, world: World) -> None:
        """What was generated tells of what was before: it goes, unless the data stay or the patch sees to it."""
        female = NARRATIVE.replace("male", "female")
        both = json.dumps(
            [
                {"op": "replace", "path": "/gender", "value": "female"},
                {"op": "replace", "path": "/text/div", "value": female},
            ]
        )

        assert await self.text_after(world, "generated", replacing("/gender", "female")) == (200, None)
        assert (await self.text_after(world, "additional", both))[1]["div"] == female
        untouched = await self.text_after(world, "generated", replacing("/gender", "male"))
        assert untouched[1]["div"] == NARRATIVE

    async def test_additional(self, world: World) -> None:
        """What a person added is neither thrown away nor left beside other data."""
        assert (await self.text_after(world, "additional", replacing("/gender", "female")))[0] == 422
