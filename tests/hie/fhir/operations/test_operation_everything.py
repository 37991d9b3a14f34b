"""$everything of patients, persons and encounters. https://hl7.org/fhir/R4/patient-operation-everything.html"""

from __future__ import annotations

from typing import Any

import pytest
from fhir_world import RESIDENT_ID, World, ids, issue, observation, patient

Json = dict[str, Any]

pytestmark = pytest.mark.anyio

INACTIVE: Json = {
    "clinicalStatus": {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "resolved"}]
    }
}


def practitioner(identity: str = "d1", **elements: Any) -> Json:
    return {"resourceType": "Practitioner", "id": identity, "name": [{"family": "张"}], **elements}


def encounter(identity: str = "e1", of: str = "p1", **elements: Any) -> Json:
    return {
        "resourceType": "Encounter", "id": identity, "status": "finished", "subject": {"reference": f"Patient/{of}"},
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}, **elements,
    }  # fmt: skip


def by(identity: str) -> Json:
    return {"performer": [{"reference": f"Practitioner/{identity}"}]}


def condition(identity: str, **elements: Any) -> Json:
    return {
        "resourceType": "Condition", "id": identity, "subject": {"reference": "Patient/p1"},
        "code": {"text": "x"}, **elements,
    }  # fmt: skip


async def through(world: World, address: str) -> list[list[str]]:
    """Ids page by page."""
    pages = []
    while address:
        found = await world.get(address)
        assert found.status_code == 200, found.text
        pages.append(ids(found))
        address = next((one["url"] for one in found.json()["link"] if one["relation"] == "next"), "")
    return pages


class TestPatient:
    async def test_whole(self, world: World) -> None:
        """The compartment, the Patient first, then what it points at; nobody else's; each once."""
        await world.made(
            practitioner(), patient(generalPractitioner=[{"reference": "Practitioner/d1"}]), patient("p2"),
            observation("o1", **by("d1")), observation("o2", "p2"), encounter(),
        )  # fmt: skip
        found = await world.get("/Patient/p1/$everything")
        person = await world.services.registry.person_of("p1")

        assert ids(found) == ["p1", "e1", "o1", person, "d1"]
        assert found.json()["entry"][-1]["search"]["mode"] == "include"
        assert "o2" not in ids(found)

    async def test_pages(self, world: World) -> None:
        """Each row once on some page, in any size of page, the practitioners too; the same by POST."""
        doctors = [practitioner(f"d{number}") for number in range(3)]
        results = [observation(f"o{number}", **by(f"d{number % 3}")) for number in range(7)]
        await world.made(patient(), *doctors, *results)
        whole = ids(await world.get("/Patient/p1/$everything"))

        for size in (1, 4, len(whole), 50):
            pages = await through(world, f"/Patient/p1/$everything?_count={size}")
            assert [one for page in pages for one in page] == whole
            assert all(len(page) == size for page in pages[:-1])
        asked = {"resourceType": "Parameters", "parameter": [{"name": "_count", "valueInteger": 5}]}
        assert ids(await world.post("/Patient/p1/$everything", asked)) == whole[:5]

    async def test_types(self, world: World) -> None:
        """_type leaves only these, also of what is pointed at."""
        await world.made(practitioner(), patient(), observation("o1", **by("d1")), encounter())

        assert ids(await world.get("/Patient/p1/$everything?_type=Observation,Practitioner")) == ["o1", "d1"]
        assert ids(await world.get("/Patient/p1/$everything?_type=Encounter&_type=Patient")) == ["p1", "e1"]

    async def test_since(self, world: World) -> None:
        """Only what changed since, also among what is pointed at."""
        await world.made(practitioner(), patient(), observation("o1", **by("d1")), observation("o2", **by("d1")))
        changed = await world.put("/Observation/o1", observation("o1", status="amended", **by("d1")), account="system")
        since = changed.json()["meta"]["lastUpdated"]

        assert ids(await world.get("/Patient/p1/$everything"))[:1] == ["p1"]
        assert ids(await world.get(f"/Patient/p1/$everything?_since={since}")) == ["o1"]
        await world.put("/Practitioner/d1", practitioner(active=True), account="system")
        assert ids(await world.get(f"/Patient/p1/$everything?_since={since}")) == ["o1", "d1"]

    async def test_care_dates(self, world: World) -> None:
        """start and end are about care: by the day, a lasting condition until it abates, undated always."""
        await world.made(
            patient(),
            observation("old", effectiveDateTime="2019-12-31"),
            observation("in", effectiveDateTime="2020-03-01T10:00:00+08:00"),
            observation("period", effectivePeriod={"start": "2019-01-01", "end": "2020-01-01"}),
            observation("new", effectiveDateTime="2021-01-01"),
            observation("undated"),
            condition("lasting", onsetDateTime="2010-01-01"),
            condition("over", onsetDateTime="2010-01-01", abatementDateTime="2012-01-01", **INACTIVE),
            condition("later", onsetDateTime="2022-01-01"),
        )  # fmt: skip

        async def of(query: str) -> list[str]:
            return sorted(ids(await world.get(f"/Patient/p1/$everything?{query}")))

        year = "start=2020-01-01&end=2020-12-31&_type=Patient,Observation,Condition"
        assert await of(year) == sorted(["p1", "in", "period", "undated", "lasting"])
        assert await of("end=2019&_type=Observation") == sorted(["old", "period", "undated"])
        assert await of("start=2022-06&_type=Condition") == ["lasting", "later"]

    async def test_visibility(self, world: World) -> None:
        """A label hides a result and the practitioner that only it named; a resident sees one record."""
        secret = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]}
        await world.made(
            practitioner("d1"), practitioner("d2"), patient("p1", RESIDENT_ID), patient("p2"),
            observation("o1", **by("d1")), observation("o2", meta=secret, **by("d2")), observation("o3", "p2"),
        )  # fmt: skip

        assert "o2" not in (seen := ids(await world.get("/Patient/p1/$everything")))
        assert "d2" not in seen
        assert {"o2", "d2"} <= set(ids(await world.get("/Patient/p1/$everything", account="resident")))
        assert issue(await world.get("/Patient/p2/$everything", account="resident"))[0] == 404
        everybody = ids(await world.get("/Patient/$everything", account="resident"))
        assert "o1" in everybody and "o3" not in everybody and "p2" not in everybody

    async def test_refusals(self, world: World) -> None:
        """What is unknown is refused and not passed over."""
        await world.made(patient(), encounter())
        for query in ("code=x", "_type=Observatoin", "_count=0", "start=yesterday", "_count=1&_cursor=zzz", "_since=x"):
            assert issue(await world.get(f"/Patient/p1/$everything?{query}"))[:2] == (400, "not-supported"), query
        assert issue(await world.get("/Encounter/e1/$everything?start=2020-01-01"))[0] == 400
        assert issue(await world.get("/Patient/none/$everything"))[0] == 404
        assert issue(await world.post("/Patient/p1/$everything", patient()))[0] == 400


class TestPatients:
    async def test_all(self, world: World) -> None:
        """Without an id: all patients, each row once; and the trail knows each of them."""
        await world.made(patient("p1"), patient("p2"), observation("o1"), observation("o2", "p2"), practitioner())
        found = await world.get("/Patient/$everything?_type=Patient,Observation")
        events = await world.events(p={"$in": ["p1", "p2"]})

        assert ids(found) == ["p1", "p2", "o1", "o2"]
        assert ids(await world.get("/Patient/$everything?_count=3")) == ["p1", "p2", "o1"]
        assert {row["p"][0] for row in events[-2:]} == {"p1", "p2"}


class TestTrail:
    async def test_second_patient(self, world: World) -> None:
        """A row that is in two records names both in the trail, streamed or on a page."""
        meeting: Json = {
            "resourceType": "Appointment", "id": "a1", "status": "proposed",
            "participant": [{"actor": {"reference": f"Patient/{one}"}, "status": "accepted"} for one in ("p1", "p2")],
        }  # fmt: skip
        await world.made(patient("p1"), patient("p2"), meeting)
        for query in ("", "?_count=10"):
            before = len(await world.events(p="p2"))
            assert "a1" in ids(await world.get(f"/Patient/p1/$everything{query}"))
            assert len(await world.events(p="p2")) == before + 1


class TestEncounter:
    async def test_whole(self, world: World) -> None:
        """The encounter first, what refers to it, and what these point at; not the rest of the record."""
        await world.made(
            practitioner("d1"), practitioner("d2"), patient(), patient("p2"),
            encounter("e1", participant=[{"individual": {"reference": "Practitioner/d1"}}]), encounter("e2"),
            observation("o1", encounter={"reference": "Encounter/e1"}, **by("d2")), observation("o2"),
            observation("o3", encounter={"reference": "Encounter/e2"}),
        )  # fmt: skip
        found = ids(await world.get("/Encounter/e1/$everything"))

        assert (await world.events())[-1]["p"] == ["p1"]
        assert found[0] == "e1"
        assert sorted(found) == ["d1", "d2", "e1", "o1", "p1"]
        assert [one for page in await through(world, "/Encounter/e1/$everything?_count=2") for one in page] == found
