"""A small region for drug supervision: two facilities, dispensings and stays by a line each, in a real store."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pymongo import AsyncMongoClient

from hie.applications.drug_supervision.queries import Desk
from hie.applications.drug_supervision.remembered import Remembered
from hie.applications.work import Reader
from hie.indicators.indicator import Window
from records.resource_store import ResourceStore
from records.stored import Json, Write
from terminology.service import ATC, DRUG, terminology

NOVEMBER = Window.month(2026, 11)
NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
H1, H2 = "Organization/h1", "Organization/h2"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def coded(code: str, text: str = "") -> Json:
    """A drug by its catalogue code (D....) or by ATC."""
    system = DRUG if code.startswith("D0") else ATC
    return {"coding": [{"system": system, "code": code}], "text": text or code}


def dispense(
    name: str, drug: Json, quantity: str | None, unit: str, *, visit: str = "", at: str = "2026-11-05T10:00:00+08:00",
    place: str = H1, status: str = "completed", **more: Any,
) -> Json:  # fmt: skip
    """A MedicationDispense."""
    made: Json = {
        "resourceType": "MedicationDispense",
        "id": name,
        "status": status,
        "medicationCodeableConcept": drug,
        "subject": {"reference": "Patient/p1"},
        "performer": [{"actor": {"reference": place}}] if place else [],
        "whenHandedOver": at,
        **more,
    }
    if quantity is not None:
        made["quantity"] = {"value": Decimal(quantity), "unit": unit, "code": unit}
    if visit:
        made["context"] = {"reference": f"Encounter/{visit}"}
    return {key: value for key, value in made.items() if value not in ([], "")}


def stay(name: str, start: str, end: str = "", *, place: str = H1, kind: str = "IMP", status: str = "finished") -> Json:
    """An Encounter."""
    period = {"start": start} | ({"end": end} if end else {})
    return {
        "resourceType": "Encounter",
        "id": name,
        "status": status if end else "in-progress",
        "class": {"system": ACT, "code": kind},
        "subject": {"reference": "Patient/p1"},
        "serviceProvider": {"reference": place},
        "period": {key: value for key, value in period.items() if value},
    }


def organization(reference: str, name: str, level: str) -> Json:
    """A facility of the directory."""
    return {
        "resourceType": "Organization",
        "id": reference.partition("/")[2],
        "active": True,
        "name": name,
        "type": [{"text": level}],
    }


def region() -> list[Json]:
    """A tertiary and a secondary hospital, a patient."""
    patient = {"resourceType": "Patient", "id": "p1", "managingOrganization": {"reference": H2}}
    return [organization(H1, "淄博市中心医院", "三级"), organization(H2, "张店区人民医院", "二级"), patient]


async def store_with(
    client: AsyncMongoClient[dict[str, Any]], prefix: str, *resources: Json
) -> ResourceStore:
    """A store that holds the region and some more."""
    store = ResourceStore(client, prefix)
    await store.ensure_indexes()
    writes = [Write("create", one["resourceType"], one["id"], one) for one in (*region(), *resources)]
    await store.apply(writes)
    return store


def desk(store: ResourceStore, now: datetime = NOW) -> Desk:
    """A request of somebody who may see everything."""
    return Desk(Reader(store), terminology(), now, Remembered())


def unmarked(html: str) -> list[str]:
    """Chinese words of a page, below its banner, that do not say that they are Chinese."""
    main = html[html.index("<main") : html.index("</main>")]
    marked = r"<(\w+)[^>]*lang=\"zh-CN\"[^>]*>.*?</\1>"
    others = r"<section class=\"banner.*?</section>|<svg.*?</svg>|<option.*?</option>"
    plain = re.sub(f"{marked}|{others}", "", main, flags=re.DOTALL)
    return re.findall(r"[\u4e00-\u9fff]+", re.sub(r"<[^>]+>", " ", plain))
