"""
batch and transaction. https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from fhir_world import Json, World, ids, issue, observation, patient

pytestmark = pytest.mark.anyio


def entry(method: str, url: str, resource: Json | None = None, full_url: str = "", **request: str) -> Json:
    found: Json = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        found["resource"] = {name: value for name, value in resource.items() if method != "POST" or name != "id"}
    return found | {"fullUrl": full_url} if full_url else found


def bundle(kind: str, *entries: Json) -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


class TestTransaction:
    async def send(self, world: World, *entries: Json, **options: Any) -> Any:
        return await world.post("", bundle("transaction", *entries), account="system", **options)

    async def test_references(self, world: World) -> None:
        """Entries speak of each other by urn:uuid, and of others by condition."""
        urn = "urn:uuid:0d0d0d0d-0d0d-4d0d-8d0d-0d0d0d0d0d0d"
        doctor = {"resourceType": "Practitioner", "id": "d1", "identifier": [{"system": "urn:doc", "value": "7"}]}
        await world.made(doctor)
        found = observation() | {
            "subject": {"reference": urn},
            "performer": [{"reference": "Practitioner?identifier=urn:doc|7"}],
        }
        done = await self.send(
            world,
            entry("POST", "Observation", found),
            entry("POST", "Patient", patient(), urn),
            entry("GET", "Patient"),
        )
        answers = done.json()["entry"]
        made = [one["response"]["location"].split("/fhir/")[1].split("/_history")[0] for one in answers[:2]]
        stored = (await world.get(f"/{made[0]}")).json()

        assert [one["response"]["status"] for one in answers] == ["201", "201", "200"]
        assert stored["subject"]["reference"] == made[1]
        assert stored["performer"][0]["reference"] == "Practitioner/d1"
        assert answers[2]["resource"]["total"] == 1

    async def test_escaped_slashes(self, world: World) -> None:
        """A writer of JSON that puts a backslash before every slash names the same entries and conditions."""
        await world.made({"resourceType": "Practitioner", "id": "d1", "identifier": [{"system": "u/d", "value": "7"}]})
        found = observation() | {
            "subject": {"reference": "http://clinic.example/fhir/Patient/7"},
            "performer": [{"reference": "Practitioner?identifier=u/d|7"}],
        }
        sent = bundle(
            "transaction",
            entry("POST", "Observation", found),
            entry("POST", "Patient", patient(), "http://clinic.example/fhir/Patient/7"),
        )
        done = await world.post("", json.dumps(sent).replace("/", "\\/"), account="system")
        made = [one["response"]["location"].split("/fhir/")[1].split("/_history")[0] for one in done.json()["entry"]]
        stored = (await world.get(f"/{made[0]}")).json()

        assert (stored["subject"]["reference"], stored["performer"][0]["reference"]) == (made[1], "Practitioner/d1")

    async def test_all_or_nothing(self, world: World) -> None:
        """One entry that is not valid, and nothing is stored; the outcome names the entry."""
        refused = await self.send(
            world, entry("PUT", "Patient/p1", patient()), entry("POST", "Observation", observation(status="nonsense"))
        )

        assert refused.status_code == 422
        assert "Bundle.entry[1].resource" in refused.json()["issue"][0]["expression"][0]
        assert issue(await world.get("/Patient/p1"))[0] == 404

    async def test_overlap(self, world: World) -> None:
        """Two entries that change one resource are refused."""
        refused = await self.send(
            world, entry("PUT", "Patient/p1", patient()), entry("PUT", "Patient/p1", patient(gender="male"))
        )

        assert issue(refused)[0] == 400

    async def test_conditional_create(self, world: World) -> None:
        """The same condition twice makes one resource, and both entries name it; a resend makes none."""
        key = {"identifier": [{"system": "urn:x", "value": "1"}]}
        one = entry("POST", "Observation", observation(**key), ifNoneExist="identifier=urn:x|1")
        first = (await self.send(world, one, one)).json()["entry"]
        second = (await self.send(world, one)).json()["entry"]

        assert [part["response"]["status"] for part in (*first, *second)] == ["201", "200", "200"]
        assert len({part["response"]["location"] for part in (*first, *second)}) == 1

    async def test_stale(self, world: World) -> None:
        """ifMatch of an old version refuses the whole."""
        await world.made(patient(), patient())
        refused = await self.send(world, entry("PUT", "Patient/p1", patient(), ifMatch='W/"1"'))

        assert issue(refused)[0] == 412

    async def test_unresolved_condition(self, world: World) -> None:
        """A conditional reference that selects nothing refuses the whole."""
        found = observation() | {"performer": [{"reference": "Practitioner?identifier=urn:doc|0"}]}

        assert issue(await self.send(world, entry("POST", "Observation", found)))[0] == 412


class TestBatch:
    async def test_each_its_own(self, world: World) -> None:
        """What fails fails alone, with its own outcome."""
        done = await world.post(
            "",
            bundle(
                "batch", entry("PUT", "Patient/p1", patient()), entry("GET", "Patient/none"), entry("GET", "Nothing")
            ),
        )
        answers = done.json()["entry"]

        assert [one["response"]["status"][:3] for one in answers] == ["201", "404", "404"]
        assert answers[1]["response"]["outcome"]["resourceType"] == "OperationOutcome"
        assert ids(await world.get("/Patient")) == ["p1"]

    @pytest.mark.parametrize("body", [{"resourceType": "Patient"}, {"resourceType": "Bundle", "type": "document"}])
    async def test_other(self, world: World, body: Json) -> None:
        """The base takes a batch or a transaction."""
        assert issue(await world.post("", body))[0] == 400
