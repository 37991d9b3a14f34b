"""A small region with a real store: a clinic, a hospital, residents, and a clock that moves only when told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from pymongo import AsyncMongoClient

from hie.applications.fhir import staff
from hie.applications.primary_care import events
from hie.applications.primary_care.blood_pressure import observation
from hie.applications.primary_care.follow_up import CODED
from hie.applications.primary_care.form import Form
from hie.applications.work import Reader, Work
from hie.exchange.filing import Filing
from hie.exchange.outbox import Event, Outbox, to_event
from hie.identity.registry import ClientRegistry
from records.resource_store import ResourceStore
from records.stored import Json, Write
from terminology.service import terminology

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
CLINIC, HOSPITAL = "urn:hie:organization|370303-C01", "urn:hie:organization|370303-H01"
AUTHOR = staff("s-1", "张医生")
ICD = "http://hl7.org/fhir/sid/icd-10"
NUMBER = "370303197005010023"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


def organization(identifier: str, level: str) -> Json:
    system, _, value = identifier.partition("|")
    return {
        "resourceType": "Organization", "id": f"org-{value}", "active": True, "name": f"机构{value}",
        "identifier": [{"system": system, "value": value}], "type": [{"text": level}],
    }  # fmt: skip


def patient(logical: str, *, home: str = "", born: str = "1970-05-01", number: str = "") -> Json:
    name = "王秀英" if number else f"居民{logical}"
    made: Json = {
        "resourceType": "Patient", "id": logical, "name": [{"use": "official", "text": name}],
        "gender": "female", "birthDate": born,
    }  # fmt: skip
    if home:
        made["managingOrganization"] = {"reference": f"Organization/org-{home.partition('|')[2]}"}
    if number:
        made["identifier"] = [{"system": "urn:oid:2.16.156.10011.1.3", "value": number}]
    return made


def hypertension(logical: str, of: str, *, clinical: str = "active") -> Json:
    return {
        "resourceType": "Condition", "id": logical, "subject": {"reference": f"Patient/{of}"},
        "clinicalStatus": {"coding": [{"system": CLINICAL, "code": clinical}]},
        "code": {"coding": [{"system": ICD, "code": "I10"}]},
    }  # fmt: skip


def reading(logical: str, of: str, systolic: int, diastolic: int, *, ago: timedelta = timedelta()) -> Json:
    return observation(logical, of, NOW - ago, Decimal(systolic), Decimal(diastolic))


def form(systolic: int, diastolic: int, *, day: datetime = NOW, **more: Any) -> Form:
    return Form(day.date(), "clinic", Decimal(systolic), Decimal(diastolic), **more)


@dataclass
class Clock:
    """Stands still."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


class World:
    """Work with everything real behind it, and the outbox delivered by hand."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], prefix: str) -> None:
        self.clock = Clock()
        self.store = ResourceStore(client, prefix, clock=self.clock)
        self.registry = ClientRegistry(client, prefix, self.store)
        self.outbox = Outbox(client, prefix)
        filing = Filing(self.store, self.registry, self.outbox)
        self.work = Work(self.store, filing, self.registry, terminology(), self.clock)
        self.consumers = events.consumers(self.work)
        for name, types, handler in self.consumers:
            self.outbox.subscribe(name, types, handler)

    async def start(self) -> World:
        for part in (self.store, self.registry, self.outbox):
            await part.ensure_indexes()
        await self.tell(organization(CLINIC, "基层"), organization(HOSPITAL, "三级"))
        return self

    async def tell(self, *resources: Json) -> None:
        """Somebody writes, and everybody hears."""
        writes = [Write("update", one["resourceType"], one["id"], one) for one in resources]
        await self.work.file(writes, "test")
        await self.deliver()

    async def deliver(self) -> Sequence[Event]:
        """Every event that waits, in order."""
        heard = []
        while documents := await self.outbox.collection.find({}).sort("_id", 1).to_list():
            for document in documents:
                heard.append(to_event(document))
                await self.outbox.consumers[document["consumer"]].handler(heard[-1])
                await self.outbox.collection.delete_one({"_id": document["_id"]})
        return heard

    @property
    def reader(self) -> Reader:
        return Reader(self.store)

    async def tasks(self, *params: tuple[str, str]) -> list[Json]:
        return await self.reader.all("Task", CODED, *params)

    async def task(self) -> Json:
        """The one follow-up that is open."""
        (found,) = await self.tasks(("status", "requested"))
        return found
