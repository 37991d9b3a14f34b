"""Messages that travel together: one transaction for several lanes, each message with its own outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from path_world import NUMBER, World, adt
from pymongo import AsyncMongoClient

from hie.exchange.steps.conclude import TakenElsewhere

PATIENTS = 12


@pytest.fixture
async def world(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> AsyncIterator[World]:
    """An exchange whose worker does not run yet."""
    one = World(mongo, database_prefix)
    for part in (one.store, one.registry, one.outbox, one.journal):
        await part.ensure_indexes()
    await one.store.collections.prepare_usual()
    yield one
    await one.stop()


@pytest.fixture
def tried(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many transactions there were: in convoy and alone."""
    counted = {"together": 0, "alone": 0}
    for name, method in (("together", "attempt"), ("alone", "in_transaction")):
        monkeypatch.setattr(world.store, method, partial(_counted, counted, name, getattr(world.store, method)))
    return counted


async def _counted(counted: dict[str, int], name: str, inner: Any, work: Any) -> Any:
    counted[name] += 1
    return await inner(work)


def admissions(event: str = "A01", at: str = "20261124080000") -> list[bytes]:
    """One message a patient; none has a number that others have."""
    return [adt(f"{event}{n}", f"L{n}", name=f"王^{n}", number="", event=event, at=at) for n in range(PATIENTS)]


async def patients(world: World) -> list[Any]:
    page = await world.store.search("Patient", [("_count", "50")])
    return list(page.matches)


class TestConvoy:
    """What several messages have in common, and what they have not."""

    async def test_shared(self, world: World, tried: dict[str, int]) -> None:
        """Twelve waiting patients take fewer transactions than messages, in order within each patient."""
        await world.send(*admissions(), *admissions("A03", "20261124090000"))
        await world.start()
        counts = await world.drain()
        assert (counts["committed"], counts["dead"]) == (2 * PATIENTS, 0)
        assert tried["together"] < 2 * PATIENTS
        assert len(await patients(world)) == PATIENTS
        visits = (await world.store.search("Encounter", [("_count", "50")])).matches
        assert {row.resource()["status"] for row in visits} == {"finished"}
        assert len(visits) == PATIENTS

    async def test_one_person(self, world: World, tried: dict[str, int]) -> None:
        """Newcomers of one convoy that are one human, from six hospitals, become one Person."""
        await world.send(*(adt(f"{n}", f"L{n}", sender=f"HIS|H0{n}") for n in range(6)))
        await world.start()
        await world.drain()
        person = await world.person()
        assert len(person["link"]) == 6
        links = await world.registry.links.of_patients([row.id for row in await patients(world)])
        assert len({link.source for link in links.values()}) == 6

    async def test_one_invalid(self, world: World, tried: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
        """A message that fails becomes a dead letter with its reason; its neighbours are filed."""
        publish = world.outbox.publish

        async def refuse(stored: Any, writes: Any, *, session: Any) -> None:
            if any("L5" in str(write.resource) for write in writes if write.type == "Patient"):
                raise ZeroDivisionError
            await publish(stored, writes, session=session)

        monkeypatch.setattr(world.outbox, "publish", refuse)
        await world.send(*admissions())
        await world.start()
        counts = await world.drain()
        assert (counts["committed"], counts["dead"]) == (PATIENTS - 1, 1)
        (dead,) = await world.journal.search(state="dead")
        assert dead.control_id == "A015"
        assert len(await patients(world)) == PATIENTS - 1

    async def test_shared_place(self, world: World, tried: dict[str, int]) -> None:
        """Messages that make the same new ward do not make it twice."""
        await world.send(*admissions())
        await world.start()
        counts = await world.drain()
        assert counts["committed"] == PATIENTS
        (ward,) = (await world.store.search("Location", [])).matches
        assert ward.version == 1

    async def test_replay(self, world: World, tried: dict[str, int]) -> None:
        """Replayed together they change no version."""
        await world.send(*admissions())
        await world.start()
        await world.drain()
        await world.journal.release({}, by="test")
        counts = await world.drain()
        assert counts["committed"] == PATIENTS
        assert {row.version for row in await patients(world)} == {1}

    async def test_taken_elsewhere(self, world: World, tried: dict[str, int]) -> None:
        """What another worker finished meanwhile is not done a second time; the others are filed."""
        await world.send(*admissions())
        entry, *others = await world.journal.pending_in(range(world.settings.lanes), 50)
        await world.worker._pipeline(entry)
        with pytest.raises(TakenElsewhere):
            await world.worker._pipeline(entry)
        outcomes = await asyncio.gather(
            *(world.worker._pipeline(one) for one in (entry, *others)), return_exceptions=True
        )
        assert isinstance(outcomes[0], TakenElsewhere)
        assert not [one for one in outcomes[1:] if isinstance(one, BaseException)]
        assert {row.version for row in await patients(world)} == {1}
        assert (await world.journal.counts())["committed"] == PATIENTS

    async def test_merge_goes_alone(self, world: World, tried: dict[str, int]) -> None:
        """What changes who somebody is travels by itself, behind what came before it."""
        other = "370303194809150175"
        await world.send(adt("1"), adt("2", "L2", name="李^德厚", number=other), adt("3", event="A40", mrg="L2"))
        await world.start()
        counts = await world.drain()
        assert counts["committed"] == 3
        assert tried["alone"] >= 1
        found = {await world.registry.find_person("urn:hie:authority:H01", local) for local in ("L1", "L2")}
        assert len(found) == 1
        assert await world.registry.find_person("urn:oid:2.16.156.10011.1.3", NUMBER) in found
