"""Hospitals that ask over a real MLLP socket, and what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from adapters.hl7v2.message import Message
from adapters.hl7v2.parser import parse
from adapters.hl7v2.site import Site
from adapters.mllp.client import MllpClient
from hie.app import Services, carrier, listener
from hie.exchange.worker import Pace, Worker
from records.stored import Json, Write, decode

SITE = Site("asker", authority="urn:hie:authority:H02")
NUMBER = "370303198506120428"
OTHER = "370303194809150175"
RESIDENT = "urn:oid:2.16.156.10011.1.3"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


def head(kind: str, control: str = "Q1", sender: str = "HIS|H02", charset: str = "UNICODE UTF-8", **more: str) -> str:
    version, at = more.get("version", "2.5.1"), more.get("at", "20261124080000")
    return f"MSH|^~\\&|{sender}|HIE|ZB|{at}||{kind}|{control}|{more.get('processing', 'P')}|{version}||||||{charset}"


def message(*lines: str, codec: str = "utf-8") -> bytes:
    return ("\r".join(lines) + "\r").encode(codec)


def admitted(
    local: str, name: str, number: str, *, sender: str = "HIS|H01", birth: str = "19850612", sex: str = "F"
) -> bytes:
    """An admission at a hospital."""
    facility = sender.partition("|")[2]
    return message(
        head("ADT^A01^ADT_A01", f"A{local}", sender), "EVN||20261124080000",
        f"PID|1||{local}^^^{facility}^MR~{number}^^^^NI||{name}||{birth}|{sex}|||一号路^^淄博^山东",
        f"PV1|1|I|W1||||||||||||||||V{local}^^^{facility}",
    )  # fmt: skip


@dataclass
class QueryWorld:
    """Services, and the listener of one of them."""

    services: Services
    port: int

    @classmethod
    @asynccontextmanager
    async def over(cls, services: Services) -> AsyncIterator[QueryWorld]:
        server = listener(services)
        await server.start()
        stop = asyncio.Event()
        worker = Worker(
            services.journal, carrier(services), services.leases("lanes"), lanes=services.settings.lanes,
            unmapped=services.unmapped, quarantine=services.quarantine, pace=Pace(housekeeping=0.1),
        )  # fmt: skip
        working = asyncio.create_task(worker.run(stop))
        one = cls(services, server.port)
        for name in ("H01", "H02"):
            await one.registered(name)
        try:
            yield one
        finally:
            stop.set()
            await working
            await server.stop()

    async def registered(self, name: str) -> None:
        """A hospital of the directory, with its sender."""
        identifier = [{"system": "urn:hie:organization", "value": f"370303-{name}"}]
        resource = {"resourceType": "Organization", "id": name.lower(), "name": name, "identifier": identifier}
        await self.services.store.apply([Write("create", "Organization", name.lower(), resource=resource)])
        await self.services.directory.onboard(f"HIS|{name}", name.lower(), by="test")

    async def tell(self, *messages: bytes) -> None:
        """Messages that are carried to the stores."""
        async with MllpClient("127.0.0.1", self.port) as client:
            for one in messages:
                assert b"MSA|AA|" in await client.send(one)
        async with asyncio.timeout(20):
            while await self.services.journal.pending():
                await asyncio.sleep(0.02)
        dead = await self.services.journal.search(state="dead")
        assert not dead, [one.reason for one in dead]

    async def raw(self, *lines: str, codec: str = "utf-8") -> bytes:
        async with MllpClient("127.0.0.1", self.port, timeout=20) as client:
            return await client.send(message(*lines, codec=codec))

    async def ask(self, *lines: str) -> Message:
        """The answer to a query."""
        return parse(await self.raw(*lines), site=SITE)

    async def file(self, *resources: Json) -> None:
        async def work(session: Any) -> None:
            writes = [Write("update", one["resourceType"], one["id"], one) for one in resources]
            await self.services.filing.file(writes, session=session, source="urn:hie:client:test#1")

        await self.services.store.in_transaction(work)

    async def refuses(self, local: str, organization: str = "370303-H02") -> None:
        """The resident known to H01 by a number refuses a hospital."""
        page = await self.services.store.search("Patient", (("identifier", f"urn:hie:authority:H01|{local}"),))
        await self.file(consent(page.matches[0].id, organization))

    async def trail(self) -> list[Json]:
        events = self.services.client[f"{self.services.settings.database_prefix}_exchange"]["AuditEvent"]
        return [decode(bytes(row["text"])) async for row in events.find().sort("_id", 1)]


def consent(patient: str, organization: str) -> Json:
    actor = {"system": "urn:hie:organization", "value": organization}
    return {
        "resourceType": "Consent", "id": "c1", "status": "active",
        "scope": {"coding": [{"system": f"{TERMINOLOGY}/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{patient}"},
        "policyRule": {"coding": [{"system": f"{TERMINOLOGY}/v3-ActCode", "code": "OPTIN"}]},
        "provision": {
            "type": "deny", "actor": [{"role": {"coding": [{"code": "PRCP"}]}, "reference": {"identifier": actor}}],
        },
    }  # fmt: skip


def said(answer: Message) -> tuple[str, str, str]:
    """MSA-1, QAK-2 and where what is wrong: `QPD^1^3^1^1 204`."""
    err = answer.first("ERR")
    place = "^".join(part for part in (err[2][at] for at in range(1, 7)) if part)
    return answer.first("MSA").text(1), answer.first("QAK").text(2), f"{place} {err.text(3)}".strip()
