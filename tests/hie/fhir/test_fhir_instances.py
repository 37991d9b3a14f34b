"""
read, vread, create, update, delete. https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import json

import pytest
from fhir_world import World, issue, observation, patient

pytestmark = pytest.mark.anyio


class TestCreate:
    async def test_answer(self, world: World) -> None:
        """201, the address of the version, its entity tag, and the resource with an id of the server."""
        done = await world.post("/Observation", observation("mine"))
        stored = done.json()

        assert done.status_code == 201
        assert stored["id"] != "mine"
        assert done.headers["Location"].endswith(f"/fhir/Observation/{stored['id']}/_history/1")
        assert done.headers["ETag"] == 'W/"1"'
        assert stored["meta"]["source"].startswith("urn:hie:client:workbench#")

    @pytest.mark.parametrize(("wish", "body"), [("minimal", ""), ("OperationOutcome", "OperationOutcome")])
    async def test_prefer(self, world: World, wish: str, body: str) -> None:
        """The client says what it wants back."""
        done = await world.post("/Observation", observation(), Prefer=f"return={wish}")

        assert done.status_code == 201
        assert (json.loads(done.text)["resourceType"] if done.text else "") == body

    async def test_text(self, world: World) -> None:
        """Decimals, blanks, order and characters outside the basic plane are served as they were sent."""
        sent = '{"resourceType":"Observation", "status" : "final","code":{"text":"𠮷"},"valueQuantity":{"value":1.50}}'
        done = await world.post("/Observation", sent.encode(), Content_Type="application/fhir+json")
        read = await world.get(f"/Observation/{done.json()['id']}")

        assert read.text.endswith(', "status" : "final","code":{"text":"𠮷"},"valueQuantity":{"value":1.50}}')


class TestRead:
    async def test_conditional(self, world: World) -> None:
        """304 where the client has the current version; HEAD has no body."""
        await world.made(patient())
        read = await world.get("/Patient/p1")

        assert (await world.get("/Patient/p1", If_None_Match=read.headers["ETag"])).status_code == 304
        head = await world.ask("HEAD", "/Patient/p1")
        assert (head.status_code, head.text, head.headers["ETag"]) == (200, "", 'W/"1"')

    async def test_versions(self, world: World) -> None:
        """Each version by its number; one that never was is not found."""
        await world.made(patient(gender="male"), patient(gender="female"))

        assert (await world.get("/Patient/p1/_history/1")).json()["gender"] == "male"
        assert (await world.get("/Patient/p1/_history/2")).json()["gender"] == "female"
        assert issue(await world.get("/Patient/p1/_history/3"))[:2] == (404, "not-found")

    async def test_part(self, world: World) -> None:
        """_elements and _summary cut, and say so; _pretty indents."""
        await world.made(patient(gender="male", birthDate="1985-06-12"))
        cut = (await world.get("/Patient/p1?_elements=birthDate")).json()

        assert set(cut) == {"resourceType", "id", "meta", "birthDate"}
        assert cut["meta"]["tag"][0]["code"] == "SUBSETTED"
        assert "\n" in (await world.get("/Patient/p1?_pretty=true")).text


class TestUpdate:
    async def test_as_create(self, world: World) -> None:
        """201 for an id that was not there, 200 for one that was."""
        assert (await world.put("/Patient/new", patient("new"), account="system")).status_code == 201
        assert (await world.put("/Patient/new", patient("new"), account="system")).status_code == 200

    async def test_lost_update(self, world: World) -> None:
        """If-Match with an old version is refused, and nothing is written."""
        await world.made(patient(), patient())
        refused = await world.put("/Patient/p1", patient(), If_Match='W/"1"')

        assert issue(refused)[:2] == (412, "conflict")
        assert (await world.get("/Patient/p1")).headers["ETag"] == 'W/"2"'
        assert (await world.put("/Patient/p1", patient(), If_Match='W/"2"')).status_code == 200

    async def test_id(self, world: World) -> None:
        """The id in the body is the id in the address."""
        assert issue(await world.put("/Patient/p1", patient("p2")))[0] == 400


class TestDelete:
    async def test_gone(self, world: World) -> None:
        """Deleted is 410, its history stays, and deleting again is fine."""
        await world.made(patient())
        assert (await world.ask("DELETE", "/Patient/p1")).status_code == 204

        assert issue(await world.get("/Patient/p1"))[:2] == (410, "deleted")
        assert (await world.get("/Patient/p1/_history/1")).status_code == 200
        assert (await world.ask("DELETE", "/Patient/p1")).status_code == 204
        assert (await world.get("/Patient?_id=p1")).json()["total"] == 0


class TestHistory:
    async def test_bundle(self, world: World) -> None:
        """Newest first, with what was done; of an instance, a type, and everything."""
        await world.made(patient(), patient(), observation())
        await world.ask("DELETE", "/Observation/o1")
        entries = (await world.get("/Patient/p1/_history")).json()["entry"]

        assert [(entry["request"]["method"], entry["response"]["status"]) for entry in entries] == [
            ("PUT", "200"), ("PUT", "201"),
        ]  # fmt: skip
        entries = (await world.get("/Observation/_history")).json()["entry"]
        assert [entry["request"]["method"] for entry in entries] == ["DELETE", "PUT"]
        assert "resource" not in entries[0]
        everything = (await world.get("/_history?_count=100", account="system")).json()["entry"]
        kinds = {entry["resource"]["resourceType"] for entry in everything if "resource" in entry}
        assert len(everything) >= 4 and "AuditEvent" in kinds
        # The trail keeps links of its chain beside a version: none of it is shown.
        assert {entry["request"]["method"] for entry in everything} <= {"POST", "PUT", "DELETE"}

    async def test_since(self, world: World) -> None:
        """Only what is newer; pages go on."""
        await world.made(patient("a"), patient("b"), patient("c"))
        assert "entry" not in (await world.get("/Patient/_history?_since=2100-01-01T00:00:00Z")).json()

        page = (await world.get("/Patient/_history?_count=2")).json()
        following = next(link["url"] for link in page["link"] if link["relation"] == "next")
        assert len((await world.get(following)).json()["entry"]) == 1
