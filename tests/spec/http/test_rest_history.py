"""
history of an instance, a type, the system. https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fhir_world import Json, World, issue, observation, patient

pytestmark = pytest.mark.anyio


async def entries(world: World, path: str, **options: Any) -> list[Json]:
    """The entries of all pages."""
    found, url = list[Json](), path
    while url:
        page = (await world.get(url, account="system", **options)).json()
        assert page["type"] == "history", page
        found += page.get("entry", [])
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
    return found


class TestEntries:
    async def test_story(self, world: World) -> None:
        """Newest first, each with what was asked and what came of it; a deletion has no resource."""
        made = await world.post("/Patient", patient())
        name = f"Patient/{made.json()['id']}"
        await world.put(f"/{name}", patient(name.partition("/")[2]), account="system")
        await world.ask("DELETE", f"/{name}")
        await world.put(f"/{name}", patient(name.partition("/")[2]), account="system")
        story = await entries(world, f"/{name}/_history")

        assert [(one["request"]["method"], one["request"]["url"], one["response"]["status"]) for one in story] == [
            ("PUT", name, "201"), ("DELETE", name, "204"), ("PUT", name, "200"), ("POST", "Patient", "201"),
        ]  # fmt: skip
        assert ["resource" in one for one in story] == [True, False, True, True]
        assert [one["response"]["etag"] for one in story] == [f'W/"{number}"' for number in (4, 3, 2, 1)]
        assert all(one["fullUrl"].endswith(f"/fhir/{name}") and "lastModified" in one["response"] for one in story)

    async def test_levels(self, world: World) -> None:
        """An instance's, a type's and the system's; an instance that never was is not found."""
        await world.made(patient(), observation(), observation())

        assert len(await entries(world, "/Observation/o1/_history")) == 2
        assert len(await entries(world, "/Observation/_history")) == 2
        kinds = [one["resource"]["resourceType"] for one in await entries(world, "/_history")]
        assert kinds.count("Observation") == 2
        assert "Patient" in kinds
        assert issue(await world.get("/Observation/none/_history"))[:2] == (404, "not-found")


class TestParameters:
    async def test_pages(self, world: World) -> None:
        """Pages lose nothing and repeat nothing, also of one transaction's many versions of one moment."""
        bundle = {
            "resourceType": "Bundle", "type": "transaction",
            "entry": [
                {"request": {"method": "PUT", "url": f"Observation/{name}"}, "resource": observation(name)}
                for name in (f"o{kind}{number}" for number in range(20) for kind in ("", "-", "."))
            ],
        }  # fmt: skip
        for _ in range(3):
            assert (await world.post("", bundle, account="system")).status_code == 200
        story = await entries(world, "/Observation/_history?_count=7")
        seen = [(one["resource"]["id"], one["resource"]["meta"]["versionId"]) for one in story]

        assert len(seen) == len(set(seen)) == 180
        assert [one["resource"]["meta"]["lastUpdated"] for one in story] == sorted(
            (one["resource"]["meta"]["lastUpdated"] for one in story), reverse=True
        )

    async def test_since(self, world: World) -> None:
        """Only what came then or later."""
        await world.made(patient())
        await asyncio.sleep(0.01)
        await world.made(patient(gender="male"))
        since = (await world.get("/Patient/p1")).json()["meta"]["lastUpdated"]

        found = await entries(world, f"/Patient/p1/_history?_since={since}")
        assert [one["resource"]["meta"]["versionId"] for one in found] == ["2"]
        assert await entries(world, "/Patient/p1/_history?_since=2100-01-01T00:00:00Z") == []

    async def test_at(self, world: World) -> None:
        """What was current then, though it came before; not what had been replaced, was deleted, or came after."""
        times = []
        for body in (patient(gender="male"), patient(gender="female"), patient(gender="other")):
            await world.made(body)
            times.append((await world.get("/Patient/p1")).json()["meta"]["lastUpdated"])
            await asyncio.sleep(0.02)
        await world.made(patient("p2"))
        await world.ask("DELETE", "/Patient/p2")
        await asyncio.sleep(0.02)
        later = (await world.get("/Patient/p2/_history")).json()["meta"]["lastUpdated"]

        async def at(moment: str) -> list[tuple[str, str]]:
            found = await entries(world, f"/Patient/_history?_at={moment}")
            return [(one["resource"]["id"], one["resource"]["meta"]["versionId"]) for one in found]

        assert await at(times[1]) == [("p1", "2")]
        assert await at(later) == [("p1", "3")]
        assert await at("1999-01-01T00:00:00Z") == []

    async def test_list(self, world: World) -> None:
        """Only the versions of what a List names."""
        members = [{"item": {"reference": "Observation/a"}}, {"item": {"reference": "Patient/p1"}}]
        whole = {"resourceType": "List", "id": "l1", "status": "current", "mode": "working", "entry": members}
        await world.made(patient(), observation("a"), observation("a"), observation("b"), whole)

        assert len(await entries(world, "/Observation/_history?_list=l1")) == 2
        assert await entries(world, "/Observation/b/_history?_list=List/l1") == []
        assert await entries(world, "/Observation/_history?_list=none") == []
        assert {one["request"]["url"] for one in await entries(world, "/_history?_list=l1")} == {
            "Observation/a", "Patient/p1",
        }  # fmt: skip

    async def test_nonsense(self, world: World) -> None:
        """A parameter that is not known, or not understood, is refused."""
        await world.made(patient())
        for query in ("colour=red", "_since=yesterday", "_at=x", "_count=-1", "_count=x", "_cursor=x", "_sort=date"):
            assert issue(await world.get(f"/Patient/_history?{query}"))[:2] == (400, "not-supported"), query
