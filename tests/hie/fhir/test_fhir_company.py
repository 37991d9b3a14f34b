"""Single writes that arrive at once: one transaction for all, and each with its own outcome."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import Any

import pytest
from fhir_world import RESIDENT_ID, Json, World, ids, observation, patient

from hie.fhir.company import Company
from records.resource_store import ResourceStore
from records.stored import Visibility


class Counted:
    """A store that counts what is tried in company."""

    def __init__(self, store: ResourceStore) -> None:
        self._store, self.attempts = store, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def attempt(self, work: Any) -> Any:
        self.attempts += 1
        return await self._store.attempt(work)


@pytest.fixture
def store(world: World) -> Counted:
    """The store behind the company of this exchange."""
    services = world.services.fhir
    counted = Counted(services.store)
    object.__setattr__(services, "company", Company(counted, services.filing))  # type: ignore[arg-type]
    return counted


async def put(world: World, resource: Json, **headers: str) -> int:
    path = f"/{resource['resourceType']}/{resource['id']}"
    return (await world.ask("PUT", path, resource, account="system", **headers)).status_code


def someone(number: int, family: str = "Wang") -> Json:
    return {
        "resourceType": "Patient", "id": f"p{number}", "name": [{"family": f"{family}{number}", "given": ["Mei"]}],
        "birthDate": f"19{50 + number}-01-02", "gender": "female",
    }  # fmt: skip


class TestCompany:
    """What several writes have in common, and what they have not."""

    async def test_shared(self, world: World, store: Counted) -> None:
        """Twelve at once take fewer transactions than twelve, and each is stored as its own version."""
        statuses = await asyncio.gather(*(put(world, someone(number)) for number in range(12)))
        assert statuses == [201] * 12
        assert store.attempts < 12
        again = await asyncio.gather(*(put(world, someone(number, "Li")) for number in range(12)))
        assert again == [200] * 12
        for number in range(12):
            found = (await world.get(f"/Patient/p{number}", account="system")).json()
            assert (found["meta"]["versionId"], found["name"][0]["family"]) == ("2", f"Li{number}")
            history = (await world.get(f"/Patient/p{number}/_history", account="system")).json()
            assert [entry["resource"]["meta"]["versionId"] for entry in history["entry"]] == ["2", "1"]

    async def test_each_its_own(self, world: World, store: Counted) -> None:
        """One that asks for another version is refused; its neighbours are not."""
        await asyncio.gather(*(put(world, someone(number)) for number in range(6)))
        changed = [
            put(world, someone(number, "Li"), if_match='W/"7"' if number == 3 else 'W/"1"') for number in range(6)
        ]
        assert await asyncio.gather(*changed) == [200, 200, 200, 412, 200, 200]
        standing = (await world.get("/Patient/p3", account="system")).json()
        assert standing["name"][0]["family"] == "Wang3"

    async def test_same_resource(self, world: World, store: Counted) -> None:
        """Five writers of one resource make five versions, none of them lost."""
        await put(world, someone(1))
        statuses = await asyncio.gather(*(put(world, someone(1, family)) for family in ("A", "B", "C", "D", "E")))
        assert statuses == [200] * 5
        history = (await world.get("/Patient/p1/_history", account="system")).json()
        families = [entry["resource"]["name"][0]["family"] for entry in history["entry"]]
        assert sorted(families) == ["A1", "B1", "C1", "D1", "E1", "Wang1"]

    async def test_one_person(self, world: World, store: Counted) -> None:
        """Newcomers of one company that are one human become one Person."""
        alike = [patient(f"p{n}", RESIDENT_ID, birthDate="1985-06-12", gender="female") for n in range(8)]
        assert await asyncio.gather(*(put(world, one) for one in alike)) == [201] * 8
        persons = {await world.services.registry.person_of(f"p{number}") for number in range(8)}
        assert len(persons) == 1
        (person,) = persons
        found = (await world.get(f"/Person/{person}", account="system")).json()
        assert len(found["link"]) == 8

    async def test_sources(self, world: World, store: Counted) -> None:
        """Each keeps who wrote it, the Person too."""
        await asyncio.gather(*(put(world, someone(number)) for number in range(4)))
        sources = [(await world.get(f"/Patient/p{n}", account="system")).json()["meta"]["source"] for n in range(4)]
        assert len(set(sources)) == 4
        for number, source in enumerate(sources):
            link = (await world.services.registry.links.of_patients([f"p{number}"]))[f"p{number}"]
            person = (await world.get(f"/Person/{link.person}", account="system")).json()
            assert (link.source, person["meta"]["source"]) == (source, source)

    async def test_mixed(self, world: World, store: Counted) -> None:
        """Creates, updates and deletes of several types go together."""
        await put(world, someone(1))
        await world.made(observation("o1", "p1"), observation("o2", "p1"))
        asked = (
            world.ask("DELETE", "/Observation/o1", account="system"),
            world.ask("PUT", "/Observation/o2", observation("o2", "p1", status="amended"), account="system"),
            world.post("/Observation", observation("", "p1") | {"id": "ignored"}, account="system"),
            world.ask("DELETE", "/Observation/never", account="system"),
        )
        answers = await asyncio.gather(*asked)
        assert [answer.status_code for answer in answers] == [204, 200, 201, 204]
        assert (await world.get("/Observation/o1", account="system")).status_code == 410
        assert ids(await world.get("/Observation?status=amended", account="system")) == ["o2"]

    async def test_one_faulty(self, world: World, store: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
        """What fails in company is tried alone: a fault of one is no fault of the others."""
        filing = world.services.fhir.filing
        publish = filing.outbox.publish

        async def refuse(stored: Any, writes: Any, *, session: Any) -> None:
            if any(write.id == "p2" for write in writes):
                raise ZeroDivisionError
            await publish(stored, writes, session=session)

        monkeypatch.setattr(filing.outbox, "publish", refuse)
        assert await asyncio.gather(*(put(world, someone(number)) for number in range(5))) == [201, 201, 500, 201, 201]
        assert (await world.get("/Patient/p2", account="system")).status_code == 404


class TestVisibility:
    """A decision on a row that was read says what the database's filter says."""

    async def test_agreement(self, world: World) -> None:
        """For patients, refusals, labels and types, in all combinations."""
        secret = {"meta": {"security": [{"system": "urn:x", "code": "R"}]}}
        await put(world, someone(1))
        await put(world, someone(2))
        await world.made(observation("o1", "p1"), observation("o2", "p2"), observation("o3", "p1", **secret))
        await put(world, {"resourceType": "Medication", "id": "m1", "status": "active"})
        references = ["Observation/o1", "Observation/o2", "Observation/o3", "Medication/m1", "Patient/p1"]
        store = world.services.store
        rows = await store.read_many(references)
        assert sorted(rows) == sorted(references)
        choices = product(
            (None, frozenset[str](), frozenset({"p1"}), frozenset({"p1", "p2"})),
            (frozenset[str](), frozenset({"Medication"})),
            (None, frozenset({"Observation"})),
            (frozenset[str](), frozenset({"urn:x|R"})),
            (frozenset[str](), frozenset({"p2"})),
        )
        shown = set()
        for choice in choices:
            visibility = Visibility(*choice)
            seen = await store.read_many(references, visibility=visibility)
            assert {name for name, row in rows.items() if visibility.shows(row)} == set(seen), visibility
            shown.add(frozenset(seen))
        assert len(shown) > 8
