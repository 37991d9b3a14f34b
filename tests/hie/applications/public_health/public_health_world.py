"""A small region with a real store for report cards: two hospitals, residents, a clock that moves only when told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import AsyncMongoClient

from hie.applications.fhir import instant, staff
from hie.applications.public_health import events, use_cases
from hie.applications.public_health.card import CODED, Card, card_from
from hie.applications.public_health.use_cases import Opened, Outcome
from hie.applications.work import Reader, Work
from hie.exchange.filing import Filing
from hie.exchange.outbox import Outbox, to_event
from hie.identity.registry import ClientRegistry
from records.resource_store import ResourceStore
from records.stored import Json, Write
from terminology.service import ICD_10, LOINC, terminology

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
AUTHOR = staff("s-9", "孙医师")
NUMBER = "370303198506120428"
H1, H2 = "Organization/h1", "Organization/h2"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
COMPLETE = {
    "phone": "13800000000", "belongs": "1", "address": "张店区公园街道1号", "district": "370303", "occupation": "09",
    "onset": "2026-11-22", "doctor": "张医生", "sex": "2", "birth": "1985-06-12", "name": "王晓梅",
}  # fmt: skip


def organization(reference: str, name: str, district: str) -> Json:
    return {
        "resourceType": "Organization", "id": reference.partition("/")[2], "active": True, "name": name,
        "address": [{"city": "淄博市", "text": district}],
    }  # fmt: skip


def patient(logical: str, *, number: str = "", place: str = H1, **more: Any) -> Json:
    made: Json = {
        "resourceType": "Patient", "id": logical, "name": [{"use": "official", "text": f"居民{logical}"}],
        "gender": "female", "birthDate": "1985-06-12", "managingOrganization": {"reference": place}, **more,
    }  # fmt: skip
    if number:
        made["identifier"] = [{"system": "urn:oid:2.16.156.10011.1.3", "value": number}]
        made["name"] = [{"use": "official", "text": "王晓梅"}]
    return made


def diagnosis(
    logical: str, of: str, code: str, *, ago: timedelta = timedelta(), verified: str = "", **more: Any
) -> Json:  # fmt: skip
    made: Json = {
        "resourceType": "Condition", "id": logical, "subject": {"reference": f"Patient/{of}"},
        "code": {"coding": [{"system": ICD_10, "code": code}]}, "recordedDate": instant(NOW - ago), **more,
    }  # fmt: skip
    if verified:
        made["verificationStatus"] = {"coding": [{"system": VERIFICATION, "code": verified}]}
    return made


def result(
    logical: str, of: str, code: str, value: str, *, ago: timedelta = timedelta(), status: str = "final"
) -> Json:  # fmt: skip
    return {
        "resourceType": "Observation", "id": logical, "status": status, "subject": {"reference": f"Patient/{of}"},
        "code": {"coding": [{"system": LOINC, "code": code}]}, "valueString": value, "issued": instant(NOW - ago),
    }  # fmt: skip


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
        for name, types, handler in events.consumers(self.work):
            self.outbox.subscribe(name, types, handler)

    async def start(self) -> World:
        for part in (self.store, self.registry, self.outbox):
            await part.ensure_indexes()
        await self.tell(organization(H1, "淄博市中心医院", "张店区"), organization(H2, "高青县人民医院", "高青县"))
        return self

    async def tell(self, *resources: Json) -> None:
        """Somebody writes, and everybody hears."""
        await self.work.file([Write("update", one["resourceType"], one["id"], one) for one in resources], "test")
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

    async def cards(self) -> list[Card]:
        found = [card_from(task) for task in await self.reader.all("Task", CODED)]
        return sorted(found, key=lambda card: card.diagnosed)

    async def card(self) -> Card:
        """The only one."""
        (found,) = await self.cards()
        return found

    async def open(self) -> Opened:
        """The only card, as a page opens it."""
        return await use_cases.open_card(self.work, self.reader, (await self.card()).id)

    async def report(self, fields: Mapping[str, str] | None = None, *, report: bool = True) -> Outcome:
        """Fill in what is missing and report."""
        opened = await self.open()
        return await use_cases.save(
            self.work, opened, COMPLETE if fields is None else fields, version=opened.row.version, author=AUTHOR,
            report=report,
        )  # fmt: skip


def unmarked(html: str) -> list[str]:
    """Chinese words of a page, below its banner, that do not say that they are Chinese."""
    main = html[html.index("<main") : html.index("</main>")]
    marked = r"<(\w+)[^>]*lang=\"zh-CN\"[^>]*>.*?</\1>"
    others = r"<section class=\"banner.*?</section>|<svg.*?</svg>|<option.*?</option>"
    plain = re.sub(f"{marked}|{others}", "", main, flags=re.DOTALL)
    return re.findall(r"[\u4e00-\u9fff]+", re.sub(r"<[^>]+>", " ", plain))
