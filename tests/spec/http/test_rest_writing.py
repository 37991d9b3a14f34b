"""
create, update, and their conditions. https://hl7.org/fhir/R4/http.html#update
"""

from __future__ import annotations

import pytest
from fhir_world import World, ids, issue, observation, patient

pytestmark = pytest.mark.anyio
KEY = {"identifier": [{"system": "urn:x", "value": "1"}]}
BY_KEY = "/Observation?identifier=urn:x|1"


class TestCreate:
    async def test_answer(self, world: World) -> None:
        """201 with the address of the version; id, version and time of the body are the server's."""
        meta = {"versionId": "77", "lastUpdated": "1999-01-01T00:00:00Z", "tag": [{"code": "t"}]}
        done = await world.post("/Observation", observation("mine", meta=meta))
        made = done.json()

        assert (done.status_code, done.headers["ETag"]) == (201, 'W/"1"')
        assert done.headers["Location"].endswith(f"/fhir/Observation/{made['id']}/_history/1")
        assert "Last-Modified" in done.headers
        assert made["id"] != "mine"
        assert made["meta"]["versionId"] == "1"
        assert made["meta"]["lastUpdated"] > "2000"
        assert made["meta"]["tag"] == [{"code": "t"}]

    async def test_prefer(self, world: World) -> None:
        """What comes back is what is preferred, of a create, an update and a patch; the headers come anyway."""
        patch, merging = b'{"gender":"male"}', {"Content_Type": "application/merge-patch+json"}
        for wish, seen in (("minimal", ""), ("representation", "Patient"), ("OperationOutcome", "OperationOutcome")):
            prefer = {"Prefer": f"return={wish}"}
            answers = [
                await world.post("/Patient", patient(), **prefer),
                await world.ask("PUT", f"/Patient/{wish}", patient(wish), account="system", **prefer),
                await world.ask("PATCH", f"/Patient/{wish}", patch, **merging, **prefer),
            ]
            for answer in answers:
                assert (answer.json()["resourceType"] if answer.content else "") == seen
                assert "ETag" in answer.headers
                assert "Location" in answer.headers
                assert ("Content-Type" in answer.headers) is bool(seen)

    async def test_prefer_unknown(self, world: World) -> None:
        """A preference that is not known, or not for this request, is passed over (RFC 7240)."""
        done = await world.post("/Patient", patient(), Prefer="respond-async, wait=1, return=whatever")

        assert (done.status_code, done.json()["resourceType"]) == (201, "Patient")


class TestConditionalCreate:
    async def test_one(self, world: World) -> None:
        """None makes one, one is returned as it is, several are refused; the condition may stand behind its type."""
        first = await world.post("/Observation", observation(**KEY), If_None_Exist="identifier=urn:x|1")
        other = observation(**KEY) | {"status": "amended"}
        second = await world.post("/Observation", other, If_None_Exist="Observation?identifier=urn:x|1")

        assert (first.status_code, second.status_code) == (201, 200)
        assert second.json() == first.json()
        assert second.headers["Location"] == first.headers["Location"]
        await world.made(observation("b", **KEY))
        refused = await world.post("/Observation", other, If_None_Exist="identifier=urn:x|1")
        assert issue(refused)[:2] == (412, "multiple-matches")

    async def test_nonsense(self, world: World) -> None:
        """A condition that selects nothing, or cannot be answered, is never a creation."""
        for condition in ("_count=1", "_summary=count", "colour=red", "_format=json"):
            refused = await world.post("/Observation", observation(), If_None_Exist=condition)
            assert issue(refused)[0] == (412 if condition == "_format=json" else 400), condition
        assert ids(await world.get("/Observation")) == []

    async def test_after_delete(self, world: World) -> None:
        """What was deleted matches no condition."""
        first = await world.post("/Observation", observation(**KEY), If_None_Exist="identifier=urn:x|1")
        await world.ask("DELETE", f"/Observation/{first.json()['id']}")
        second = await world.post("/Observation", observation(**KEY), If_None_Exist="identifier=urn:x|1")

        assert second.status_code == 201


class TestUpdate:
    async def test_identity(self, world: World) -> None:
        """The body names the id of the address, and the type."""
        for body in (patient("other"), {"resourceType": "Patient"}, observation("p1")):
            assert issue(await world.put("/Patient/p1", body))[0] == 400

    async def test_again(self, world: World) -> None:
        """What was deleted comes back as 201, and its versions go on."""
        await world.made(patient())
        await world.ask("DELETE", "/Patient/p1")
        back = await world.put("/Patient/p1", patient(), account="system")

        assert (back.status_code, back.headers["ETag"]) == (201, 'W/"3"')
        assert (await world.get("/Patient/p1")).json()["meta"]["versionId"] == "3"

    async def test_if_match(self, world: World) -> None:
        """Only upon the current version; nothing is no version."""
        await world.made(patient(), patient())
        for tags, status in (('W/"1"', 412), ("W/x", 412), ('W/"1", W/"2"', 200), ('"3"', 200), ("*", 200)):
            assert (await world.put("/Patient/p1", patient(), If_Match=tags)).status_code == status, tags
        assert issue(await world.put("/Patient/new", patient("new"), If_Match="*"))[:2] == (412, "conflict")
        assert issue(await world.put("/Patient/new", patient("new"), If_Match='W/"1"'))[0] == 412

    async def test_create_only(self, world: World) -> None:
        """If-None-Match: * creates, and never replaces; what was deleted may come back."""
        options = {"If_None_Match": "*", "account": "system"}
        assert (await world.put("/Patient/p1", patient(), **options)).status_code == 201
        assert issue(await world.put("/Patient/p1", patient(), **options))[:2] == (412, "conflict")
        await world.ask("DELETE", "/Patient/p1")

        assert (await world.put("/Patient/p1", patient(), **options)).status_code == 201


class TestConditionalUpdate:
    async def test_matches(self, world: World) -> None:
        """None creates, also under the body's id; one is updated, several are refused."""
        body = {name: value for name, value in observation(**KEY).items() if name != "id"}
        first = await world.put(BY_KEY, body)
        second = await world.put(BY_KEY, body | {"id": first.json()["id"]})
        named = await world.put("/Observation?identifier=urn:x|2", observation("mine"))

        assert [one.status_code for one in (first, second, named)] == [201, 200, 201]
        assert named.json()["id"] == "mine"
        assert issue(await world.put(BY_KEY, body | {"id": "other"}))[0] == 400
        await world.made(observation("b", **KEY))
        assert issue(await world.put(BY_KEY, body))[:2] == (412, "multiple-matches")

    async def test_taken(self, world: World) -> None:
        """An id that another resource has is a conflict: it does not meet the condition."""
        await world.made(observation("taken"))

        assert issue(await world.put(BY_KEY, observation("taken", **KEY)))[:2] == (409, "conflict")

    async def test_guards(self, world: World) -> None:
        """If-Match and If-None-Match are heard as well."""
        body = {name: value for name, value in observation(**KEY).items() if name != "id"}
        assert issue(await world.put(BY_KEY, body, If_Match='W/"1"'))[0] == 412
        assert (await world.put(BY_KEY, body, If_None_Match="*")).status_code == 201
        assert issue(await world.put(BY_KEY, body, If_None_Match="*"))[0] == 412
        assert (await world.put(BY_KEY, body, If_Match='W/"1"')).status_code == 200
