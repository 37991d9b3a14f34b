"""The whole way of HL7 v2 messages: intake, journal, workers, stores, against a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from path_world import Frame, World, adt
from pymongo import AsyncMongoClient

from hie.exchange.outbox import Event
from records.stored import Write


@pytest.fixture
async def world(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> AsyncIterator[World]:
    """A running exchange that knows nobody."""
    one = await World(mongo, database_prefix).start()
    yield one
    await one.stop()


class TestAccept:
    async def test_admission(self, world: World) -> None:
        """An admission becomes a Patient, an Encounter and a Person that two hospitals' records share."""
        answers = await world.send(adt("1"), adt("2", "X9", sender="HIS|H02"))
        counts = await world.drain()

        assert all(b"MSA|AA|" in answer for answer in answers)
        assert (counts["committed"], counts["dead"]) == (2, 0), [
            m.reason for m in await world.journal.search(state="dead")
        ]
        person = await world.person()
        assert len(person["link"]) == 2
        for link in person["link"]:
            patient = (await world.store.read(*link["target"]["reference"].split("/"))).resource()
            assert patient["name"][0]["text"] == "王晓梅"

    async def test_resend_and_replay(self, world: World) -> None:
        """A resend is answered and does nothing; a replay changes no version."""
        first, again = await world.send(adt("1"), adt("1"))
        await world.drain()
        patient = (await world.person())["link"][0]["target"]["reference"].split("/")
        await world.journal.release({}, by="test")
        counts = await world.drain()

        assert first == again
        assert counts["received"] == 1
        assert (await world.store.read(*patient)).version == 1

    async def test_wrong_bytes(self, world: World) -> None:
        """Bytes that are not in the declared character set are answered AE, and kept."""
        (answer,) = await world.send(adt("1").replace("王".encode(), b"\xff\xfe"))

        assert b"MSA|AE|" in answer
        kept = await world.journal.search(state="rejected")
        assert [message.acknowledgement for message in kept] == ["AE"]
        assert b"\xff\xfe" in await world.journal.raw(kept[0].id)

    async def test_noise(self, world: World) -> None:
        """What has no MSH is answered and kept."""
        (answer,) = await world.send(b"GET / HTTP/1.1\r\n")

        assert b"MSA|A" in answer
        assert (await world.journal.counts())["rejected"] == 1

    async def test_cut_off(self, world: World) -> None:
        """A message cut off by the end of the connection gets no answer, and is kept."""
        answer = await world.intake.accept(Frame(adt("1")[:80], problem="truncated", total=80), "mllp")

        assert answer is None
        assert (await world.journal.counts())["rejected"] == 1

    async def test_too_large(self, world: World) -> None:
        """Too large is AR with the sender's control id, and what came is kept."""
        raw = adt("77") + b"NTE|1||" + b"x" * 17_000_000
        answer = await world.intake.accept(Frame(raw, total=len(raw)), "mllp")

        assert b"MSA|AR|77" in (answer or b"")
        (kept,) = await world.journal.search(state="rejected")
        assert await world.journal.raw(kept.id) == raw

    async def test_merge(self, world: World) -> None:
        """A40 in a row with both patients' messages: both records are one person, the old one inactive."""
        other = "370303194809150175"
        await world.send(
            adt("1", "L1"), adt("2", "L2", name="李^德厚", number=other), adt("3", "L1", event="A40", mrg="L2")
        )
        counts = await world.drain()

        assert counts["committed"] == 3, [m.reason for m in await world.journal.search(state="dead")]
        found = {await world.registry.find_person("urn:hie:authority:H01", local) for local in ("L1", "L2")}
        assert len(found) == 1
        assert None not in found

    async def test_events(self, world: World) -> None:
        """What changed is in the outbox for who wants it."""

        async def hear(_event: Event) -> None: ...

        world.outbox.subscribe("test", {"Patient", "Person"}, hear)
        await world.send(adt("1"))
        await world.drain()

        assert await world.outbox.waiting() == {"test": 2}


class TestStrict:
    async def test_production_refuses_tests(
        self, mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str
    ) -> None:
        """A test message never enters production: AR, and kept."""
        world = await World(mongo, database_prefix, mode="production").start()
        (answer,) = await world.send(adt("1", processing="T"))
        await world.stop()

        assert b"MSA|AR|" in answer
        assert (await world.journal.counts())["rejected"] == 1

    async def test_quarantine(self, mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> None:
        """An unknown sender's messages wait, and go on by themselves when it is registered."""
        world = await World(mongo, database_prefix, unknown_sender="quarantine").start()
        try:
            (answer,) = await world.send(adt("1"))
            assert b"MSA|AA|" in answer
            assert (await world.journal.counts())["quarantined"] == 1

            resource = {"resourceType": "Organization", "id": "o1", "name": "医院"}
            await world.store.apply([Write("create", "Organization", "o1", resource=resource)])
            await world.directory.onboard("HIS|H01", "o1", by="administrator")
            async with asyncio.timeout(10):
                while (await world.journal.counts())["committed"] == 0:
                    await asyncio.sleep(0.05)
        finally:
            await world.stop()

        assert (await world.person())["active"] is True
