"""
delete, by id and by condition. https://hl7.org/fhir/R4/http.html#delete
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from fhir_world import World, ids, issue, observation, patient

pytestmark = pytest.mark.anyio
KEY = {"identifier": [{"system": "urn:x", "value": "1"}]}
BY_KEY = "/Observation?identifier=urn:x|1"


class TestDelete:
    async def test_again(self, world: World) -> None:
        """What is gone, and what never was, is deleted without complaint and without another version."""
        await world.made(patient())
        answers = [await world.ask("DELETE", f"/Patient/{one}") for one in ("p1", "p1", "never")]

        assert [one.status_code for one in answers] == [204, 204, 204]
        assert answers[0].headers["ETag"] == 'W/"2"'
        assert len((await world.get("/Patient/p1/_history")).json()["entry"]) == 2

    async def test_prefer(self, world: World) -> None:
        """An outcome where one is wanted."""
        await world.made(patient())
        done = await world.ask("DELETE", "/Patient/p1", Prefer="return=OperationOutcome")

        assert issue(done)[:2] == (200, "informational")

    async def test_if_match(self, world: World) -> None:
        """Only the current version, and only what is there."""
        await world.made(patient(), patient())

        assert issue(await world.ask("DELETE", "/Patient/p1", If_Match='W/"1"'))[:2] == (412, "conflict")
        assert (await world.get("/Patient/p1")).status_code == 200
        assert (await world.ask("DELETE", "/Patient/p1", If_Match='W/"2"')).status_code == 204
        assert issue(await world.ask("DELETE", "/Patient/p1", If_Match='W/"3"'))[0] == 412


class TestConditional:
    async def test_several(self, world: World) -> None:
        """All that match go in one transaction, are counted, and are in the trail by patient."""
        await world.made(patient(), observation("a", **KEY), observation("b", **KEY), observation("c"))
        done = await world.ask("DELETE", BY_KEY)

        assert issue(done) == (200, "informational", "2 resources were deleted.")
        assert ids(await world.get("/Observation")) == ["c"]
        trail = b" ".join([bytes(event["text"]) for event in await world.events()])
        assert all(f"Observation/{one}/_history/2".encode() in trail for one in ("a", "b"))

    async def test_limit(self, world: World) -> None:
        """More than the settings allow is refused, and none is deleted; with one allowed, several are refused."""
        await world.made(patient(), observation("a", **KEY), observation("b", **KEY))
        settings = world.services.settings.model_copy(update={"fhir_max_conditional_deletes": 1})
        strict = replace(world.services, fhir=replace(world.services.fhir, settings=settings))
        async with World.over(strict) as other:
            refused = await other.ask("DELETE", BY_KEY)
            statement = (await other.get("/metadata", account=None)).json()

        assert issue(refused)[:2] == (412, "multiple-matches")
        assert len(ids(await world.get("/Observation"))) == 2
        assert {one["conditionalDelete"] for one in statement["rest"][0]["resource"]} == {"single"}

    async def test_nonsense(self, world: World) -> None:
        """A condition that selects everything, or speaks of the answer's form, deletes nothing."""
        await world.made(patient(), observation())
        for query, status in (("_count=1", 400), ("_format=json", 412), ("_sort=date", 400), ("colour=red", 400)):
            assert issue(await world.ask("DELETE", f"/Observation?{query}"))[0] == status, query
        assert issue(await world.ask("DELETE", "/Observation"))[0] == 405

        assert ids(await world.get("/Observation")) == ["o1"]

    async def test_if_match(self, world: World) -> None:
        """If-Match is heard."""
        await world.made(patient(), observation(**KEY))

        assert issue(await world.ask("DELETE", BY_KEY, If_Match='W/"2"'))[0] == 412
        assert (await world.ask("DELETE", BY_KEY, If_Match='W/"1"')).status_code == 204
