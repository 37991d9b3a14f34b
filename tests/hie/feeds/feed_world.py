"""An exchange whose workers run, quickly, with a feed to a hospital; and what tests do to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from feed_hospital import Hospital

from hie.app import Services, carrier
from hie.exchange.leases import Leases
from hie.exchange.outbox_runner import OutboxRunner, Patience
from hie.exchange.worker import Pace, Worker
from hie.feeds import wiring
from hie.feeds.fan_out import NAME
from hie.feeds.policy import Patience as Manners
from records.stored import Json, Write

QUICK = Manners(first=0.05, longest=0.3, idle=0.02, settling=0.0, margin=2.0, silence=0.3)
NUMBER = "370303198506120428"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


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
    number: str = NUMBER, at: str = "20261124080000", mrg: str = "", place: str = "W1^R1^1", end: str = "",
    admitted: str = "20261124080000",
) -> bytes:  # fmt: skip
    """An ADT message of a hospital."""
    facility = sender.partition("|")[2]
    lines = [
        f"MSH|^~\\&|{sender}|HIE|ZB|{at}||ADT^{event}|{control}|P|2.5.1|||||CHN|UNICODE UTF-8",
        f"EVN||{at}",
        f"PID|1||{local}^^^{facility}^MR~{number}^^^^NI||{name}||19850612|F",
    ]
    visit = f"PV1|1|I|{place}||||||||||||||||V{local}^^^{facility}{'|' * 25}{admitted}|{end}"
    lines += [f"MRG|{mrg}^^^{facility}^MR"] if mrg else [] if event in ("A28", "A31") else [visit]
    return "\r".join(lines).encode() + b"\r"


def profile(hospital: Hospital | int, **changes: Any) -> dict[str, Any]:
    """A feed to H02 of every ADT."""
    port = hospital if isinstance(hospital, int) else (hospital.server.port if hospital.server else 1)
    return {
        "feed": "h02", "receiver": {"application": "HIS", "facility": "H02"}, "address": f"127.0.0.1:{port}",
        "messages": ["ADT"], "timeout": 2, "account": {"organization": "urn:hie:organization|370303-H02"}, **changes,
    }  # fmt: skip


async def until(done: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Wait for something to be so; fails where it is not in time."""
    end = time.monotonic() + seconds
    while True:
        found = done()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def engine(services: Services, owner: str = "one", manners: Manners = QUICK) -> AsyncIterator[asyncio.Event]:
    """A worker process: lanes, outbox, feeds."""
    stop = asyncio.Event()
    leases = [Leases(services.client, services.settings.database_prefix, c, owner, seconds=2.0)
              for c in ("lanes", "consumers")]  # fmt: skip
    worker = Worker(
        services.journal, carrier(services), leases[0], lanes=services.settings.lanes, unmapped=services.unmapped,
        quarantine=services.quarantine, pace=Pace(housekeeping=0.1),
    )  # fmt: skip
    runner = OutboxRunner(services.outbox, leases[1], patience=Patience(idle=0.02, first=0.05))
    told = wiring.deliveries(services.fhir, services.feeds, services.directory.profiles, owner, manners)
    tasks = [asyncio.create_task(one.run(stop)) for one in (worker, runner, told)]
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 20)


@dataclass
class FeedWorld:
    """Services, and a hospital that receives."""

    services: Services
    hospital: Hospital

    async def feed(self, **changes: Any) -> None:
        """Load the feed, and let this process know of it at once."""
        await self.services.feeds.load(profile(self.hospital, **changes), by="test", settling=0)
        await self.services.feed_interest.look()

    async def send(self, *messages: bytes) -> None:
        for message in messages:
            kept = await self.services.intake.accept(Frame(message, total=len(message)), "mllp")
            assert b"MSA|AA|" in (kept or b""), kept

    async def quiet(self) -> dict[str, int]:
        """Wait until every change has become messages and every message is settled."""
        await until(self._journal_is_empty)
        await until(self._outbox_is_empty)
        await until(self._queue_is_empty)
        dead = await self.services.journal.search(state="dead")
        assert not dead, [one.reason for one in dead]
        return await self.services.feeds.counts("h02")

    async def _journal_is_empty(self) -> bool:
        return not await self.services.journal.pending()

    async def _outbox_is_empty(self) -> bool:
        return not (await self.services.outbox.waiting()).get(NAME)

    async def _queue_is_empty(self) -> bool:
        return not await self.services.feeds.waits("h02")

    async def file(self, *resources: Json, source: str = "urn:hie:client:test#1") -> None:
        """Write resources as a FHIR client would."""
        filing = self.services.filing

        async def work(session: Any) -> None:
            writes = [Write("update", one["resourceType"], one["id"], one) for one in resources]
            await filing.file(writes, session=session, source=source)

        await self.services.store.in_transaction(work)

    async def trail(self) -> list[Json]:
        """The AuditEvents of disclosures, oldest first."""
        events = self.services.client[f"{self.services.settings.database_prefix}_exchange"]["AuditEvent"]
        from records.stored import decode

        return [decode(bytes(row["text"])) async for row in events.find().sort("_id", 1)]

    async def patient_id(self, local: str = "L1") -> str:
        """The Patient that H01 knows by a number."""
        page = await self.services.store.search("Patient", (("identifier", f"urn:hie:authority:H01|{local}"),))
        return page.matches[0].id


def refusal(patient: str, organization: str = "370303-H02") -> Json:
    """A Consent by which a patient refuses an organization."""
    return {
        "resourceType": "Consent", "id": "c1", "status": "active",
        "scope": {"coding": [{"system": f"{TERMINOLOGY}/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{patient}"},
        "policyRule": {"coding": [{"system": f"{TERMINOLOGY}/v3-ActCode", "code": "OPTIN"}]},
        "provision": {
            "type": "deny",
            "actor": [
                {
                    "role": {"coding": [{"code": "PRCP"}]},
                    "reference": {"identifier": {"system": "urn:hie:organization", "value": organization}},
                }
            ],
        },
    }  # fmt: skip
