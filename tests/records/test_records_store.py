"""What is written is there, with its history, once; what lost a race is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest
from pymongo.asynchronous.client_session import AsyncClientSession
from records_world import World, observation, patient

from records.errors import Conflict, Gone, NotFound
from records.reservations import keys_of_both
from records.stored import Stored, Visibility, Write, decode

pytestmark = pytest.mark.anyio
REST = ',\n "status":"final","valueQuantity":{"value":1.50},"note":[{"text":"𠮷"}]}'
TEXT = f'{{"resourceType" : "Observation"{REST}'.encode()


class TestText:
    async def test_bytes_stay(self, world: World) -> None:
        """The sender's text is served as it came, but for id and meta."""
        write = Write("create", "Observation", "o1", resource=decode(TEXT), text=TEXT, source="urn:x")
        (stored,) = await world.store.apply([write])
        read = await world.store.read("Observation", "o1")

        assert read.text == stored.text
        assert read.text.endswith(REST.encode())
        meta = read.resource()["meta"]
        assert (meta["versionId"], meta["source"]) == ("1", "urn:x")
        assert read.updated.isoformat(timespec="milliseconds").replace("+00:00", "Z") == meta["lastUpdated"]

    async def test_meta_of_the_sender(self, world: World) -> None:
        """Profiles, tags and labels stay; versionId and lastUpdated are the store's."""
        label = {"system": "s", "code": "R"}
        await world.put(patient("p1", meta={"security": [label], "versionId": "99"}))
        meta = (await world.store.read("Patient", "p1")).resource()["meta"]

        assert (meta["security"], meta["versionId"]) == ([label], "1")


class TestVersions:
    async def test_history(self, world: World) -> None:
        """Each write is a version; a deletion is one too, and what is deleted can come back."""
        await world.put(patient("p1", gender="male"))
        await world.put(patient("p1", gender="female"))
        await world.store.apply([Write("delete", "Patient", "p1")])

        with pytest.raises(Gone):
            await world.store.read("Patient", "p1")
        with pytest.raises(Gone):
            await world.store.vread("Patient", "p1", 3)
        await world.put(patient("p1"))
        page = await world.store.history("Patient", "p1", ())

        assert [(row.version, row.deleted) for row in page.matches] == [(4, False), (3, True), (2, False), (1, False)]
        assert (await world.store.vread("Patient", "p1", 1)).resource()["gender"] == "male"

    async def test_pages(self, world: World) -> None:
        """The history of a type and of all, page by page, newest first, nothing twice and nothing left out."""
        for number in range(3):
            await world.put(*(patient(f"p{one}", multipleBirthInteger=number) for one in range(4)), observation("o1"))
        for kind, wanted in (("Patient", 12), (None, 15)):
            rows: list[Stored] = []
            cursor: tuple[tuple[str, str], ...] = ()
            while True:
                page = await world.store.history(kind, None, (("_count", "5"), *cursor))
                rows += page.matches
                if page.next_cursor is None:
                    break
                cursor = (("_cursor", page.next_cursor),)

            assert len({(row.reference, row.version) for row in rows}) == len(rows) == wanted
            assert [row.updated for row in rows] == sorted((row.updated for row in rows), reverse=True)

    async def test_unknown(self, world: World) -> None:
        """What never was has no history and no versions."""
        for call in (world.store.read("Patient", "x"), world.store.vread("Patient", "x", 1)):
            with pytest.raises(NotFound):
                await call
        with pytest.raises(NotFound):
            await world.store.history("Patient", "x", ())


class TestTogether:
    async def test_all_or_nothing(self, world: World) -> None:
        """One write that is refused takes the others with it, across stores."""
        await world.put(patient("p1"))
        with pytest.raises(Conflict):
            await world.store.apply(
                [
                    Write("create", "Observation", "o1", resource=observation("o1")),
                    Write("update", "Patient", "p1", resource=patient("p1"), if_version=7),
                ]
            )

        with pytest.raises(NotFound):
            await world.store.read("Observation", "o1")

    async def test_no_lost_update(self, world: World) -> None:
        """Of many writers who read the same version, one writes."""
        await world.put(patient("p1"))
        write = Write("update", "Patient", "p1", resource=patient("p1", active=True), if_version=1)
        outcomes = await asyncio.gather(*(world.store.apply([write]) for _ in range(16)), return_exceptions=True)

        assert sum(isinstance(one, list) for one in outcomes) == 1
        assert sum(isinstance(one, Conflict) for one in outcomes) == 15

    async def test_racing_conditions(self, world: World) -> None:
        """Sixty-four that create under one condition make one resource."""
        condition = (("identifier", "s|1"),)

        def create(number: int) -> Awaitable[list[Stored]]:
            resource = patient(f"p{number}", identifier=[{"system": "s", "value": "1"}])

            async def work(session: AsyncClientSession) -> list[Stored]:
                await world.store.reserve(keys_of_both("Patient", condition, resource), session=session)
                if (await world.store.search("Patient", condition, session=session)).matches:
                    raise Conflict("It is there by now.")
                return await world.store.apply([Write("create", "Patient", f"p{number}", resource)], session=session)

            return world.store.in_transaction(work)

        outcomes = await asyncio.gather(*(create(number) for number in range(64)), return_exceptions=True)

        assert len(await world.found("Patient", "identifier=s|1")) == 1
        assert sum(isinstance(one, list) for one in outcomes) == 1
        assert all(isinstance(one, list | Conflict) for one in outcomes)


class TestSight:
    async def test_only_own(self, world: World) -> None:
        """Another patient's record is not there: not in reads, versions, searches, totals, includes or history."""
        await world.put(patient("p1"), patient("p2"), observation("o1", "p1"), observation("o2", "p2"))
        await world.put(patient("p2"), observation("o2", "p2"))
        own = Visibility(patients=frozenset({"p1"}))

        with pytest.raises(NotFound):
            await world.store.read("Patient", "p2", visibility=own)
        with pytest.raises(NotFound):
            await world.store.vread("Observation", "o2", 1, visibility=own)
        page = await world.page("Observation", "_include=Observation:subject&_total=accurate", own)
        assert ([row.id for row in page.matches], [row.id for row in page.included], page.total) == (["o1"], ["p1"], 1)
        assert await world.found("Observation", "subject:Patient._id=p2", own) == []
        assert {row.id for row in (await world.store.history(None, None, (), visibility=own)).matches} == {"p1", "o1"}
        everything = [row.reference async for row in world.store.everything(["p1", "p2"], visibility=own)]
        assert everything == ["Patient/p1", "Observation/o1"]

    async def test_labels_and_refusals(self, world: World) -> None:
        """A label hides a resource and the versions before it; a refusal hides the whole record."""
        label = {"security": [{"system": "s", "code": "PSY"}]}
        await world.put(patient("p1"), observation("o1"), observation("o2"))
        await world.put(observation("o2", meta=label))
        hidden, denied = Visibility(hidden_labels=frozenset({"s|PSY"})), Visibility(denied=frozenset({"p1"}))

        assert await world.found("Observation", "", hidden) == ["o1"]
        with pytest.raises(NotFound):
            await world.store.vread("Observation", "o2", 1, visibility=hidden)
        history = await world.store.history("Observation", None, (), visibility=hidden)
        assert {row.id for row in history.matches} == {"o1"}
        assert await world.found("Observation", "", denied) == []

    async def test_shared_types(self, world: World) -> None:
        """What belongs to no patient is seen where the decision says so."""
        await world.put({"resourceType": "Organization", "id": "h1", "name": "H"})
        bound = Visibility(patients=frozenset({"p1"}), shared_types=frozenset({"Organization"}))

        assert await world.found("Organization", "", bound) == ["h1"]
        assert await world.found("Organization", "", Visibility(patients=frozenset({"p1"}))) == []
        assert await world.found("Organization", "", Visibility(types=frozenset({"Patient"}))) == []


class TestReindex:
    async def test_restores(self, world: World) -> None:
        """Lost keys come back; no version is made; a second run has nothing to do."""
        await world.put(patient("p1", name=[{"family": "王"}]))
        await world.store.collections.of("Patient").update_one({"_id": "p1"}, {"$set": {"k": []}})
        assert await world.found("Patient", "name=王") == []

        assert await world.store.reindex() == 1
        assert await world.found("Patient", "name=王") == ["p1"]
        assert await world.store.reindex() == 0
        assert (await world.store.read("Patient", "p1")).version == 1
