"""Outbox events and their delivery."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from hie.exchange.leases import Leases
from hie.exchange.outbox import Event, Outbox
from hie.exchange.outbox_runner import OutboxRunner, Patience
from records.stored import Stored, Write

QUICK = Patience(first=0.001, longest=0.01, attempts=3)


class Consumer:
    """Remembers what it heard; refuses the first `failures` deliveries."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.heard: list[str] = []

    async def __call__(self, event: Event) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("not now")
        self.heard.append(event.reference)


class World:
    """An outbox, and a runner for it."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], prefix: str) -> None:
        self.client = client
        self.outbox = Outbox(client, prefix)
        self.runner = OutboxRunner(self.outbox, Leases(client, prefix, "consumers", "me"), patience=QUICK)

    async def publish(self, *references: str) -> None:
        pairs = [reference.split("/") for reference in references]
        stored = [Stored(kind, identity, 1, datetime.now(UTC), b"{}") for kind, identity in pairs]
        writes = [Write("create", kind, identity) for kind, identity in pairs]
        async with self.client.start_session() as session, await session.start_transaction():
            await self.outbox.publish(stored, writes, session=session)


@pytest.fixture
async def world(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> World:
    """Nothing was published yet."""
    one = World(mongo, database_prefix)
    await one.outbox.ensure_indexes()
    return one


class TestDelivery:
    async def test_order_and_types(self, world: World) -> None:
        """Each consumer hears of its types, in order, once."""
        patients, everything = Consumer(), Consumer()
        world.outbox.subscribe("patients", {"Patient"}, patients)
        world.outbox.subscribe("everything", {"*"}, everything)
        await world.publish("Patient/1", "Observation/2", "Patient/3")

        await world.runner.deliver_once()
        await world.runner.deliver_once()

        assert patients.heard == ["Patient/1", "Patient/3"]
        assert everything.heard == ["Patient/1", "Observation/2", "Patient/3"]
        assert await world.outbox.waiting() == {}

    async def test_nobody_listens(self, world: World) -> None:
        """What nobody subscribed to makes no event."""
        world.outbox.subscribe("patients", {"Patient"}, Consumer())
        await world.publish("Observation/2")

        assert await world.outbox.collection.count_documents({}) == 0

    async def test_again(self, world: World) -> None:
        """A refused event is tried again before any later one."""
        consumer = Consumer(failures=2)
        world.outbox.subscribe("one", {"*"}, consumer)
        await world.publish("Patient/1", "Patient/2")

        for _ in range(4):
            await world.runner.deliver_once()

        assert consumer.heard == ["Patient/1", "Patient/2"]

    async def test_dead_and_replayed(self, world: World) -> None:
        """A hopeless event is set aside, the others go on, and it can be delivered later."""
        consumer = Consumer(failures=3)
        world.outbox.subscribe("one", {"*"}, consumer)
        await world.publish("Patient/1", "Patient/2")

        for _ in range(4):
            await world.runner.deliver_once()
        assert consumer.heard == ["Patient/2"]
        assert [event["reason"] for event in await world.outbox.dead("one")] == ["RuntimeError"]

        assert await world.outbox.replay("one", by="administrator") == 1
        await world.runner.deliver_once()
        assert consumer.heard == ["Patient/2", "Patient/1"]
