"""
patch in its three forms. https://hl7.org/fhir/R4/http.html#patch, https://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from fhir_world import Json, World, issue, observation, patient

from hie.fhir.patching import fhirpath_patch, places
from records.errors import Invalid

pytestmark = pytest.mark.anyio
JSON_PATCH, MERGE_PATCH = "application/json-patch+json", "application/merge-patch+json"


def operation(**parts: Any) -> Json:
    value = parts.pop("value", None)
    listed = [{"name": name, **({"valueInteger": one} if isinstance(one, int) else {"valueString": one})}
              for name, one in parts.items()]  # fmt: skip
    return {"name": "operation", "part": [*listed, {"name": "value", **value}] if value else listed}


def parameters(*operations: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": list(operations)}


class TestJsonPatch:
    async def test_apply(self, world: World) -> None:
        """A new version with the change; decimals that nobody touched keep their digits."""
        await world.put(
            "/Observation/o1",
            b'{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.50}}',
            account="system", Content_Type="application/fhir+json",
        )  # fmt: skip
        done = await world.ask(
            "PATCH", "/Observation/o1", json.dumps([{"op": "replace", "path": "/status", "value": "amended"}]),
            Content_Type=JSON_PATCH,
        )  # fmt: skip

        assert (done.status_code, done.headers["ETag"]) == (200, 'W/"2"')
        assert '"status":"amended"' in done.text
        assert '"value":1.50' in done.text

    @pytest.mark.parametrize(
        ("operations", "status"),
        [
            ([{"op": "test", "path": "/status", "value": "amended"}], 422),
            ([{"op": "remove", "path": "/nothing"}], 422),
            ([{"op": "replace", "path": "/id", "value": "other"}], 422),
            ([{"op": "replace", "path": "/status", "value": "nonsense"}], 422),
            ({"op": "remove"}, 400),
        ],
    )
    async def test_refused(self, world: World, operations: Any, status: int) -> None:
        """A test that fails, a place that is not there, a result that is not valid: nothing changes."""
        await world.made(observation())
        refused = await world.ask("PATCH", "/Observation/o1", json.dumps(operations), Content_Type=JSON_PATCH)

        assert issue(refused)[0] == status
        assert (await world.get("/Observation/o1")).headers["ETag"] == 'W/"1"'

    async def test_at_once(self, world: World) -> None:
        """Patches of different elements at the same time all hold."""
        await world.made(patient())
        changes = [
            [{"op": "add", "path": "/gender", "value": "female"}],
            [{"op": "add", "path": "/active", "value": True}],
        ]
        asked = [world.ask("PATCH", "/Patient/p1", json.dumps(one), Content_Type=JSON_PATCH) for one in changes]
        answers = await asyncio.gather(*asked)
        after = (await world.get("/Patient/p1")).json()

        assert [answer.status_code for answer in answers] == [200, 200]
        assert (after["gender"], after["active"], after["meta"]["versionId"]) == ("female", True, "3")


class TestMergePatch:
    async def test_apply(self, world: World) -> None:
        """Given replaces, null removes, the rest stays."""
        await world.made(patient(gender="male", active=True))
        patch = json.dumps({"gender": None, "birthDate": "1985-06-12"})
        after = (await world.ask("PATCH", "/Patient/p1", patch, Content_Type=MERGE_PATCH)).json()

        assert "gender" not in after
        assert (after["birthDate"], after["active"]) == ("1985-06-12", True)


class TestFhirpathPatch:
    PATIENT: Json = {
        "resourceType": "Patient", "id": "p1", "birthDate": "1920-01-01",
        "identifier": [{"system": "a", "value": "1"}, {"system": "b", "value": "2"}],
        "contact": [{"gender": "male"}], "deceasedBoolean": False,
    }  # fmt: skip

    @pytest.mark.parametrize(
        ("asked", "element", "wanted"),
        [
            (operation(type="replace", path="Patient.birthDate", value={"valueDate": "1930"}), "birthDate", "1930"),
            (operation(type="add", path="Patient", name="gender", value={"valueCode": "female"}), "gender", "female"),
            (operation(type="delete", path="Patient.birthDate"), "birthDate", None),
            (operation(type="delete", path="Patient.contact[0]"), "contact", None),
            (operation(type="delete", path="Patient.nothing"), "birthDate", "1920-01-01"),
            (
                operation(
                    type="replace", path="Patient.identifier.where(system='b').value", value={"valueString": "3"}
                ),
                "identifier", [{"system": "a", "value": "1"}, {"system": "b", "value": "3"}],
            ),
            (
                operation(type="move", path="Patient.identifier", source=1, destination=0),
                "identifier", [{"system": "b", "value": "2"}, {"system": "a", "value": "1"}],
            ),
            (
                operation(type="insert", path="Patient.identifier", index=1, value={"valueIdentifier": {"value": "x"}}),
                "identifier", [{"system": "a", "value": "1"}, {"value": "x"}, {"system": "b", "value": "2"}],
            ),
            (
                operation(
                    type="add", path="Patient.contact[0]", name="telecom", value={"valueContactPoint": {"value": "1"}}
                ),
                "contact", [{"gender": "male", "telecom": [{"value": "1"}]}],
            ),
            (operation(type="replace", path="Patient.deceased", value={"valueBoolean": True}), "deceasedBoolean", True),
        ],
    )  # fmt: skip
    def test_operations(self, asked: Json, element: str, wanted: Any) -> None:
        """Each operation of the standard; what it was made from is not touched."""
        before = json.dumps(self.PATIENT)
        after = fhirpath_patch.apply(self.PATIENT, json.dumps(parameters(asked)).encode())

        assert after.get(element) == wanted
        assert json.dumps(self.PATIENT) == before

    @pytest.mark.parametrize(
        "asked",
        [
            operation(type="replace", path="Patient.identifier", value={"valueString": "x"}),
            operation(type="replace", path="Observation.status", value={"valueCode": "x"}),
            operation(type="delete", path="Patient.identifier"),
            operation(type="delete", path="Patient.identifier.where(exists())"),
            operation(type="move", path="Patient.identifier", source=1, destination=7),
            operation(type="add", path="Patient", name="birthDate", value={"valueDate": "1930"}),
            operation(type="nothing", path="Patient"),
        ],
    )
    def test_refused(self, asked: Json) -> None:
        """What does not fit is refused, and says which operation."""
        with pytest.raises(Invalid, match="Operation 1"):
            fhirpath_patch.apply(self.PATIENT, json.dumps(parameters(asked)).encode())

    def test_paths(self) -> None:
        """Quoted brackets and dots inside where() are text."""
        resource = {"resourceType": "Patient", "identifier": [{"system": "http://x.y/(z)", "value": "1"}]}

        assert [
            place.value for place in places.find(resource, "Patient.identifier.where(system='http://x.y/(z)').value")
        ] == ["1"]

    async def test_over_http(self, world: World) -> None:
        """By id, and by condition."""
        await world.made(patient(identifier=[{"system": "a", "value": "1"}]))
        change = parameters(operation(type="add", path="Patient", name="gender", value={"valueCode": "female"}))
        again = parameters(operation(type="delete", path="Patient.gender"))

        assert (await world.ask("PATCH", "/Patient/p1", change)).json()["gender"] == "female"
        assert "gender" not in (await world.ask("PATCH", "/Patient?identifier=a|1", again)).json()
        assert issue(await world.ask("PATCH", "/Patient?identifier=a|2", again))[0] == 404
        assert issue(await world.ask("PATCH", "/Patient/p1", "x", Content_Type="text/plain"))[0] == 415
