"""A journal that holds messages in any state, and workers that carry them, for the tests of the message store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pymongo import AsyncMongoClient

from hie.exchange.inbound import InboundMessage, State
from hie.exchange.journal import Journal
from hie.exchange.lanes import lane_of
from hie.exchange.leases import Leases
from hie.exchange.pausing import Pausing
from hie.exchange.pipeline import Pipeline
from hie.exchange.steps.conclude import Conclude
from hie.exchange.work import Work
from hie.exchange.worker import Pace, Worker
from records.resource_store import ResourceStore

LANES = 4
QUICK = Pace(shortest=0.005, longest=0.05, housekeeping=0.05)


def raw(control: str, patient: str = "L1", sender: str = "HIS|H01") -> bytes:
    return (
        f"MSH|^~\\&|{sender}|HIE|ZB|20261124080000||ADT^A01^ADT_A01|{control}|P|2.5.1|||||CHN|UNICODE UTF-8\r"
        f"EVN||20261124080000\rPID|1||{patient}^^^H01^MR||王^晓梅\rPV1|1|I\r"
    ).encode()


@dataclass
class Clock:
    """Moves when it is told to."""

    at: datetime = field(default_factory=lambda: datetime(2026, 11, 24, 8, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.at


class StoreWorld:
    """`done` has the control ids in the order in which workers finished them."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], prefix: str) -> None:
        self.client, self.prefix = client, prefix
        self.clock = Clock()
        self.journal = Journal(client, prefix, clock=self.clock)
        self.pausing = Pausing(client, prefix)
        self.store = ResourceStore(client, prefix)
        self.done: list[str] = []
        self.broken: set[str] = set()

    async def keep(
        self, control: str, state: State = "pending", *, patient: str = "L1", sender: str = "HIS|H01",
        kind: str = "ADT^A01", lanes: int = LANES, body: bytes = b"",
    ) -> InboundMessage:  # fmt: skip
        application, _, facility = sender.partition("|")
        message = InboundMessage(
            self.journal.next_id(), "mllp", self.clock(), body or raw(control, patient, sender), state=state,
            sender=sender, site=f"site-{application.lower()}-{facility.lower()}", control_id=control, type=kind,
            lane=lane_of(sender, patient, lanes), lanes=lanes,
        )  # fmt: skip
        await self.journal.append(message, b"MSA|AA")
        return message

    async def carry(self, work: Work) -> Work:
        if work.entry.control_id in self.broken:
            raise ValueError
        self.done.append(work.entry.control_id)
        return work

    def worker(self, name: str = "one", pausing: Pausing | None = None) -> Worker:
        pipeline = Pipeline(self.store, (self.carry,), (Conclude(self.journal),))
        leases = Leases(self.client, self.prefix, "lanes", name)
        return Worker(self.journal, pipeline, leases, lanes=LANES, pausing=pausing or self.pausing, pace=QUICK)

    @asynccontextmanager
    async def working(self, *workers: Worker) -> AsyncIterator[None]:
        stop = asyncio.Event()
        tasks = [asyncio.create_task(one.run(stop)) for one in workers or (self.worker(),)]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    async def count(self, **query: Any) -> int:
        return await self.journal.collection.count_documents(query)

    async def until(self, count: int, **query: Any) -> None:
        async with asyncio.timeout(15):
            while await self.count(**query) != count:
                await asyncio.sleep(0.02)
