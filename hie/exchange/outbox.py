"""
Outbox: an event for each change somebody wants to hear of, written in the transaction of the change.

https://microservices.io/patterns/data/transactional-outbox.html, https://hl7.org/fhir/R4/subscription.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.asynchronous.client_session import AsyncClientSession

from hie.exchange.database import Client, exchange_database
from hie.exchange.ids import Clock, Ids, now
from records.stored import Interaction, Stored, Write

INDEXES = [IndexModel([("consumer", ASCENDING), ("state", ASCENDING), ("_id", ASCENDING)])]


@dataclass(frozen=True, slots=True)
class Event:
    """
    One change: a resource's new version. `id` is the same for every consumer and every delivery, so that a
    consumer that remembers it does nothing twice. `patients` are source Patient ids.
    """

    id: str
    type: str
    resource_id: str
    version: int
    interaction: Interaction
    patients: tuple[str, ...]
    at: datetime

    @property
    def reference(self) -> str:
        """Relative reference, `Observation/abc`."""
        return f"{self.type}/{self.resource_id}"


Handler = Callable[[Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who wants which types ("*" for all); the container may change what it holds."""

    name: str
    types: Container[str]
    handler: Handler


class Outbox:
    """Subscriptions of the composition, and the collection `outbox`: one document an event and consumer."""

    def __init__(self, client: Client, prefix: str, *, clock: Clock = now) -> None:
        self.collection = exchange_database(client, prefix)["outbox"]
        self.consumers: dict[str, Consumer] = {}
        self._ids = Ids(clock)

    async def ensure_indexes(self) -> None:
        """Create what is missing."""
        await self.collection.create_indexes(INDEXES)

    def subscribe(self, consumer_name: str, types: Container[str], handler: Handler) -> None:
        """Name a consumer; every process of the exchange must make the same subscriptions."""
        if consumer_name in self.consumers:
            raise ValueError(f"{consumer_name} subscribed twice")
        self.consumers[consumer_name] = Consumer(consumer_name, types, handler)

    async def publish(self, stored: Sequence[Stored], writes: Sequence[Write], *, session: AsyncClientSession) -> None:
        """Write the events of what was stored; `writes` are in the same order."""
        documents: list[dict[str, Any]] = []
        for one, write in zip(stored, writes, strict=True):
            wanting = [c.name for c in self.consumers.values() if one.type in c.types or "*" in c.types]
            if wanting:
                documents += _documents(self._ids.next(), one, write.interaction, wanting)
        if documents:
            await self.collection.insert_many(documents, session=session)

    async def hand(self, consumer_name: str, stored: Stored, *, session: AsyncClientSession) -> None:
        """An event for one consumer alone, whatever types it wants."""
        documents = _documents(self._ids.next(), stored, "create", [consumer_name])
        await self.collection.insert_many(documents, session=session)

    async def waiting(self) -> dict[str, int]:
        """Undelivered events by consumer."""
        steps: list[dict[str, Any]] = [
            {"$match": {"state": "pending"}},
            {"$group": {"_id": "$consumer", "n": {"$sum": 1}}},
        ]
        return {row["_id"]: row["n"] async for row in await self.collection.aggregate(steps)}

    async def dead(self, consumer: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Events that a consumer could not take, with the reason."""
        query = {"state": "dead"} | ({"consumer": consumer} if consumer else {})
        return await self.collection.find(query).sort("_id", 1).limit(limit).to_list()

    async def replay(self, consumer: str, *, by: str) -> int:
        """Deliver a consumer's dead events again. Returns how many."""
        change = {"$set": {"state": "pending", "attempts": 0, "released_by": by}}
        return (await self.collection.update_many({"consumer": consumer, "state": "dead"}, change)).modified_count


def _documents(
    event_id: str, stored: Stored, interaction: Interaction, consumers: Sequence[str]
) -> list[dict[str, Any]]:
    event = {
        "event": event_id, "type": stored.type, "resource": stored.id, "version": stored.version,
        "interaction": interaction, "patients": list(stored.patients), "at": stored.updated,
        "state": "pending", "attempts": 0,
    }  # fmt: skip
    return [{"_id": f"{event_id}/{name}", "consumer": name, **event} for name in consumers]


def to_event(document: dict[str, Any]) -> Event:
    """The event in an outbox document."""
    return Event(
        document["event"], document["type"], document["resource"], document["version"], document["interaction"],
        tuple(document["patients"]), document["at"],
    )  # fmt: skip
