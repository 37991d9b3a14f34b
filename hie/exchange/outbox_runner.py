"""
Delivery of outbox events: in order for each consumer, tried again with growing pauses, set aside when hopeless.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from pymongo.errors import PyMongoError

from hie.exchange.leases import Leases
from hie.exchange.outbox import Consumer, Outbox, to_event

BATCH = 200
_log = structlog.get_logger("hie.outbox")


@dataclass(frozen=True, slots=True)
class Patience:
    """Pauses in seconds double from `first` to `longest`; after so many `attempts` an event is dead."""

    first: float = 0.1
    longest: float = 30.0
    attempts: int = 8
    idle: float = 0.25

    def pause(self, failures: int) -> float:
        """Seconds to wait after so many failures."""
        return min(self.first * 2.0 ** (failures - 1), self.longest)


PATIENCE = Patience()


class OutboxRunner:
    """
    Delivers what is in the outbox to the consumers of this process.

    Any number may run: each consumer is leased by one of them, so its order is kept.
    """

    def __init__(self, outbox: Outbox, leases: Leases, *, patience: Patience = PATIENCE) -> None:
        self._outbox = outbox
        self._leases = leases
        self._patience = patience

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until told to stop."""
        failures = 0
        while not stop.is_set():
            try:
                delivered = await self.deliver_once()
                failures = 0
            except PyMongoError as error:
                delivered, failures = 0, failures + 1
                _log.warning("outbox waits", error=type(error).__name__)
            if not delivered:
                await pause(stop, self._patience.pause(failures) if failures else self._patience.idle)
        with contextlib.suppress(PyMongoError):
            await self._leases.leave()

    async def deliver_once(self) -> int:
        """One round over all consumers; returns how many events left the outbox."""
        consumers = self._outbox.consumers
        held = await self._leases.hold(sorted(consumers)) if consumers else frozenset()
        done = await asyncio.gather(*(self._deliver(consumers[str(name)]) for name in held))
        return sum(done)

    async def _deliver(self, consumer: Consumer) -> int:
        query = {"consumer": consumer.name, "state": "pending"}
        events = await self._outbox.collection.find(query).sort("_id", 1).limit(BATCH).to_list()
        deadline = asyncio.get_running_loop().time() + self._leases.seconds / 2
        finished: list[str] = []
        try:
            for document in events:
                if asyncio.get_running_loop().time() > deadline or not await self._hand_over(consumer, document):
                    break
                finished.append(document["_id"])
        finally:
            await self._remove(finished)
        return len(finished)

    async def _hand_over(self, consumer: Consumer, document: dict[str, Any]) -> bool:
        """True where the event is done with: taken, or dead. False: its consumer's queue waits."""
        try:
            await consumer.handler(to_event(document))
        except Exception as error:
            return await self._failed(consumer, document, error)
        return True

    async def _failed(self, consumer: Consumer, document: dict[str, Any], error: Exception) -> bool:
        attempts = document["attempts"] + 1
        dead: bool = attempts >= self._patience.attempts
        change = {"attempts": attempts, "reason": type(error).__name__, "state": "dead" if dead else "pending"}
        await self._outbox.collection.update_one({"_id": document["_id"]}, {"$set": change})
        _log.warning("event refused", consumer=consumer.name, id=document["event"], error=type(error).__name__)
        if not dead:
            await asyncio.sleep(self._patience.pause(attempts))
        return dead

    async def _remove(self, finished: Sequence[str]) -> None:
        if finished:
            await self._outbox.collection.delete_many({"_id": {"$in": list(finished)}, "state": "pending"})


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, or less where we are told to stop."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
