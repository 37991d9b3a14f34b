"""Sends HL7 v2 bytes through the real intake and workers, and reads back what a FHIR reader sees."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

import fhirpathpy
from fhir_world import World
from fhirpathpy.models import models
from pymongo import WriteConcern

from adapters.mllp.framing import Frame
from hie.app import Services, carrier
from hie.exchange.worker import Pace, Worker

Json = dict[str, Any]
# Nothing else waits in a test: look often, and count what is unmapped only when asked.
QUICK = Pace(shortest=0.002, longest=0.01, housekeeping=60.0)
PATIENCE_SECONDS = 20


def er7(text: str, charset: str = "utf-8") -> bytes:
    """Segment lines as bytes: one a line, blanks in front of them ignored, carriage returns between them."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "".join(f"{line}\r" for line in lines).encode(charset)


@cache
def _compiled(path: str) -> Any:
    return fhirpathpy.compile(path, models["r4"])


def fhirpath(resource: Json, path: str) -> list[Any]:
    """What an expression yields."""
    return list(_compiled(path)(resource))


@dataclass
class Hl7World:
    """An exchange, its worker, and a reader with the system's rights."""

    fhir: World
    answers: list[bytes] = field(default_factory=list)

    @property
    def services(self) -> Services:
        return self.fhir.services

    @classmethod
    @contextlib.asynccontextmanager
    async def over(cls, world: World) -> AsyncIterator[Hl7World]:
        services, stop = world.services, asyncio.Event()
        worker = Worker(
            services.journal, carrier(services), services.leases("lanes"), lanes=services.settings.lanes, pace=QUICK
        )
        task = asyncio.create_task(worker.run(stop))
        try:
            yield cls(world)
        finally:
            stop.set()
            await task

    async def send(self, *messages: str | bytes) -> list[str]:
        """Hand messages (text as `er7` takes it, or bytes as they are) to the intake; the codes of MSA-1."""
        sent = [er7(message) if isinstance(message, str) else message for message in messages]
        new = [
            await self.services.intake.accept(Frame(raw, total=len(raw), peer="test"), "mllp") or b"" for raw in sent
        ]
        self.answers += new
        return [acknowledged(answer) for answer in new]

    async def drain(self) -> Json:
        """Wait until nothing is pending; the journal's counts."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.services.journal.pending():
                await asyncio.sleep(0.004)
        await self._durable()
        return dict(await self.services.journal.counts())

    async def _durable(self) -> None:
        """
        Wait until what is committed is durable: searches read a snapshot of that, the journal is read as it is.

        A write that waits for the majority comes after everything that was written before it.
        """
        database = self.services.client[f"{self.services.settings.database_prefix}_barrier"]
        await database.get_collection("barrier", write_concern=WriteConcern(w="majority", j=True)).insert_one({})

    async def tell(self, *messages: str | bytes) -> list[str]:
        """Send, and wait until all is processed; a dead letter fails the test with its reason."""
        codes = await self.send(*messages)
        await self.drain()
        dead = await self.dead()
        assert not dead, dead
        return codes

    async def search(self, query: str) -> Json:
        """The searchset of `Encounter?identifier=V1`, as the system sees it."""
        answer = await self.fhir.get(f"/{query}", account="system")
        assert answer.status_code == 200, f"{query}: {answer.status_code} {answer.text[:500]}"
        return dict(json.loads(answer.text, parse_float=Decimal))

    async def find(self, query: str) -> list[Json]:
        """The resources of a search."""
        return [entry["resource"] for entry in (await self.search(query)).get("entry", ())]

    async def one(self, query: str) -> Json:
        """The only resource of a search."""
        found = await self.find(query)
        assert len(found) == 1, f"{query}: {len(found)} found"
        return found[0]

    async def ask(self, query: str, path: str) -> list[Any]:
        """What a FHIRPath yields on the searchset."""
        return fhirpath(await self.search(query), path)

    async def dead(self) -> list[str]:
        """Why messages are dead."""
        return [message.reason for message in await self.services.journal.search(state="dead")]

    async def unmapped(self) -> list[Json]:
        """Everything that was kept and not translated, counted."""
        while await self.services.unmapped.roll_up():
            pass
        return await self.services.unmapped.find(limit=1000)

    async def remarks(self) -> list[str]:
        """The data-quality findings of all messages."""
        return [remark for message in await self.services.journal.search(limit=500) for remark in message.remarks]


def acknowledged(answer: bytes) -> str:
    """MSA-1 of an answer, "" where there is none."""
    _, _, rest = answer.partition(b"\rMSA|")
    return rest[:2].decode("ascii", "replace")
