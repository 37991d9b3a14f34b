"""An exchange without sockets, and the messages that tests of it send."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from pymongo import AsyncMongoClient

from hie.directory.sites import Directory
from hie.exchange.filing import Filing
from hie.exchange.intake import Intake
from hie.exchange.journal import Journal
from hie.exchange.leases import Leases
from hie.exchange.outbox import Outbox
from hie.exchange.pipeline import pipeline
from hie.exchange.quarantine import Quarantine
from hie.exchange.unmapped import UnmappedQueue
from hie.exchange.worker import Pace, Worker
from hie.identity.registry import ClientRegistry
from hie.settings import Settings
from records.resource_store import ResourceStore

NUMBER = "370303198506120428"


@dataclass(frozen=True, slots=True)
class Frame:
    """What a channel hands over."""

    data: bytes
    truncated: bool = False
    total: int = 0
    peer: str = "test"
    problem: str = ""


def adt(
    control: str, local: str = "L1", *, event: str = "A01", sender: str = "HIS|H01", name: str = "王^晓梅",
    mrg: str = "", number: str = NUMBER, at: str = "20261124080000", processing: str = "P",
) -> bytes:  # fmt: skip
    """An ADT message."""
    facility = sender.partition("|")[2]
    structure = "ADT_A39" if event == "A40" else "ADT_A01"
    lines = [
        f"MSH|^~\\&|{sender}|HIE|ZB|{at}||ADT^{event}^{structure}|{control}|{processing}|2.5.1|||||CHN|UNICODE UTF-8",
        f"EVN||{at}",
        f"PID|1||{local}^^^{facility}^MR~{number}^^^^NI||{name}||19850612|F",
    ]
    lines += [f"MRG|{mrg}^^^{facility}^MR"] if mrg else [f"PV1|1|I|W1^^1||||||||||||||||V{local}^^^{facility}"]
    return "\r".join(lines).encode() + b"\r"


class World:
    """An exchange without sockets."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], prefix: str, **settings: Any) -> None:
        self.settings = Settings(lanes=8, **settings)
        self.store = ResourceStore(client, prefix)
        self.registry = ClientRegistry(client, prefix, self.store)
        self.outbox = Outbox(client, prefix)
        self.journal = Journal(client, prefix)
        self.directory = Directory(client, prefix, self.store, self.settings)
        self.filing = Filing(self.store, self.registry, self.outbox)
        self.intake = Intake(self.journal, self.directory, self.settings)
        self.worker = Worker(
            self.journal,
            pipeline(store=self.store, directory=self.directory, filing=self.filing, journal=self.journal),
            Leases(client, prefix, "lanes", "test"),
            lanes=self.settings.lanes,
            unmapped=UnmappedQueue(client, prefix),
            quarantine=Quarantine(self.journal, self.directory),
            pace=Pace(housekeeping=0.1),
        )
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> World:
        for part in (self.store, self.registry, self.outbox, self.journal):
            await part.ensure_indexes()
        self._task = asyncio.create_task(self.worker.run(self._stop))
        return self

    async def stop(self) -> None:
        self._stop.set()
        if self._task:
            await self._task

    async def send(self, *messages: bytes) -> list[bytes]:
        return [await self.intake.accept(Frame(message, total=len(message)), "mllp") or b"" for message in messages]

    async def drain(self) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while await self.journal.pending():
                await asyncio.sleep(0.02)
        return await self.journal.counts()

    async def person(self) -> dict[str, Any]:
        found = await self.registry.find_person("urn:oid:2.16.156.10011.1.3", NUMBER)
        assert found is not None
        return (await self.store.read("Person", found)).resource()
