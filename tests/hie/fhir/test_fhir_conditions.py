"""
Conditional interactions. https://hl7.org/fhir/R4/http.html#ccreate
"""

from __future__ import annotations

import asyncio

import pytest
from fhir_world import World, ids, issue, observation, patient

pytestmark = pytest.mark.anyio
KEY = {"identifier": [{"system": "urn:x", "value": "1"}]}


class TestCreate:
    async def test_once(self, world: World) -> None:
        """The second one gets the first one's resource."""
        first = await world.post("/Observation", observation(**KEY), If_None_Exist="identifier=urn:x|1")
        second = await world.post("/Observation", observation(**KEY), If_None_Exist="identifier=urn:x|1")

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json()["id"] == second.json()["id"]

    async def test_racing(self, world: World) -> None:
        """Sixty-four at once make one resource."""
        asked = [world.post("/Observation", observation(**KEY), If_None_Exist="identifier=urn:x|1") for _ in range(64)]
        answers = await asyncio.gather(*asked)

        assert {answer.status_code for answer in answers} <= {200, 201}
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert len(ids(await world.get("/Observation?identifier=urn:x|1"))) == 1

    async def test_several(self, world: World) -> None:
        """Where several match, nothing is made."""
        await world.made(observation("a", **KEY), observation("b", **KEY))
        refused = await world.post("/Observation", observation(**KEY), If_None_Exist="identifier=urn:x|1")

        assert issue(refused)[0] == 412


class TestUpdate:
    async def test_by_condition(self, world: World) -> None:
        """Creates where none matches, updates the one, refuses several and an empty condition."""
        body = {name: value for name, value in observation(**KEY).items() if name != "id"}
        first = await world.put("/Observation?identifier=urn:x|1", body)
        second = await world.put("/Observation?identifier=urn:x|1", body)

        assert (first.status_code, second.status_code) == (201, 200)
        assert second.json()["meta"]["versionId"] == "2"
        await world.made(observation("b", **KEY))
        assert issue(await world.put("/Observation?identifier=urn:x|1", body))[0] == 412


class TestDelete:
    async def test_by_condition(self, world: World) -> None:
        """None is fine, one is deleted, several are deleted together and counted."""
        assert (await world.ask("DELETE", "/Observation?identifier=urn:x|1")).status_code == 204
        await world.made(patient(), observation("a", **KEY), observation("b", **KEY))
        done = await world.ask("DELETE", "/Observation?identifier=urn:x|1")
        assert issue(done) == (200, "informational", "2 resources were deleted.")
        await world.made(observation("c", **KEY))
        assert (await world.ask("DELETE", "/Observation?identifier=urn:x|1")).status_code == 204

        assert ids(await world.get("/Observation?identifier=urn:x|1")) == []
