"""Two institutions, a resident, a real store, and a clock that moves only when told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import AsyncMongoClient

from hie.applications.fhir import concept, staff
from hie.applications.regional_medical import events, use_cases
from hie.applications.regional_medical.referral import CODED, Application, Referral
from hie.applications.regional_medical.rules import State
from hie.applications.regional_medical.use_cases import Actor
from hie.applications.work import Reader, Work
from hie.exchange.filing import Filing
from hie.exchange.outbox import Outbox, to_event
from hie.identity.registry import ClientRegistry
from records.resource_store import ResourceStore
from records.stored import Json, Write
from terminology.service import terminology

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
CLINIC, HOSPITAL, OTHER = "Organization/clinic", "Organization/hospital", "Organization/other"
FAMILY = Actor(frozenset({CLINIC}), staff("s-1", "李医生"))
SPECIALIST = Actor(frozenset({HOSPITAL}), staff("s-2", "张医生"))
STRANGER = Actor(frozenset({OTHER}), staff("s-3", "周医生"))
ASKED = Application("up", "urgent", HOSPITAL, "心内科", "高血压3级", "两次随访控制不满意", (), True)


def organization(logical: str) -> Json:
    identifier = {"system": "urn:hie:organization", "value": logical}
    return {
        "resourceType": "Organization", "id": logical, "active": True, "name": f"机构{logical}",
        "identifier": [identifier],
    }  # fmt: skip


def patient(logical: str = "a") -> Json:
    return {"resourceType": "Patient", "id": logical, "name": [{"text": "王秀英"}], "birthDate": "1970-05-01"}


def proposal(logical: str = "p", *, sender: str = CLINIC) -> Json:
    made: Json = {
        "resourceType": "ServiceRequest", "id": logical, "status": "active", "intent": "proposal",
        "priority": "urgent", "category": [concept("urn:hie:service-request", "referral")],
        "code": concept("urn:hie:referral-direction", "up"), "subject": {"reference": "Patient/a"},
        "reasonCode": [{"text": "高血压"}], "note": [{"text": "血压或症状危急"}],
    }  # fmt: skip
    return made | {"requester": {"reference": sender}} if sender else made


@dataclass
class Clock:
    """Moves when told."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **delta: float) -> None:
        self.at += timedelta(**delta)


class World:
    """Work with everything real behind it, and the outbox delivered by hand."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], prefix: str) -> None:
        self.clock = Clock()
        self.store = ResourceStore(client, prefix, clock=self.clock)
        self.registry = ClientRegistry(client, prefix, self.store)
        self.outbox = Outbox(client, prefix)
        filing = Filing(self.store, self.registry, self.outbox)
        self.work = Work(self.store, filing, self.registry, terminology(), self.clock)
        for name, types, handler in events.consumers(self.work):
            self.outbox.subscribe(name, types, handler)

    async def start(self) -> World:
        for part in (self.store, self.registry, self.outbox):
            await part.ensure_indexes()
        await self.tell(*(organization(one.partition("/")[2]) for one in (CLINIC, HOSPITAL, OTHER)), patient())
        return self

    async def tell(self, *resources: Json) -> None:
        """Somebody writes, and everybody hears."""
        writes = [Write("update", one["resourceType"], one["id"], one) for one in resources]
        await self.work.file(writes, "test")
        await self.deliver()

    async def deliver(self) -> None:
        """Every event that waits, in order."""
        while documents := await self.outbox.collection.find({}).sort("_id", 1).to_list():
            for document in documents:
                await self.outbox.consumers[document["consumer"]].handler(to_event(document))
                await self.outbox.collection.delete_one({"_id": document["_id"]})

    @property
    def reader(self) -> Reader:
        return Reader(self.store)

    async def begin(self, application: Application = ASKED, *, key: str = "k", submit: bool = True) -> str:
        return await use_cases.begin(self.work, key, "a", application, FAMILY, submit=submit)

    async def found(self, referral: str) -> Referral:
        return (await use_cases.load(self.reader, referral)).referral

    async def go(self, referral: str, actor: Actor, action: str, text: str = "", *, version: int = 0) -> State:
        """One step, by whoever sees the newest version."""
        seen = version or (await use_cases.load(self.reader, referral)).task.version
        return await use_cases.advance(self.work, self.reader, referral, action, actor, version=seen, text=text)

    async def go_up(self, referral: str, *actions: str) -> None:
        """Several steps of the receiver."""
        for action in actions:
            await self.go(referral, SPECIALIST, action, "出院小结" if action in ("propose-down", "finish") else "")

    async def drafts(self) -> list[Json]:
        return await self.reader.all("Task", CODED)
