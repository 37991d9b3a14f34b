"""Callers and resources for the tests of the FHIR interface."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
from starlette.applications import Starlette

from hie.app import Services
from hie.commands.tokens import token
from hie.fhir.web import fhir_routes
from hie.settings import Settings

Json = dict[str, Any]
RESIDENT_ID = "370303198506120428"  # the demo account `resident`
ID_NUMBER = "urn:oid:2.16.156.10011.1.3"


@cache
def bearer(settings: Settings, account: str) -> str:
    return token(settings, account)


@dataclass
class World:
    """An exchange, and a client that speaks to its FHIR interface."""

    services: Services
    client: httpx.AsyncClient
    settings: Settings

    @classmethod
    @asynccontextmanager
    async def over(cls, services: Services) -> AsyncIterator[World]:
        app = Starlette(routes=fhir_routes(services.fhir))
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=services.settings.fhir_url) as client:
            plain = Settings(data_dir=services.settings.data_dir, sign_in_port=services.settings.sign_in_port)
            yield cls(services, client, plain)

    async def ask(
        self, method: str, path: str, body: Any = None, *, account: str | None = "clinician", **headers: str
    ) -> httpx.Response:
        """One request; `headers` are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if account:
            named["Authorization"] = f"Bearer {bearer(self.settings, account)}"
        content = {"content": body} if isinstance(body, bytes | str) else {"json": body} if body is not None else {}
        return await self.client.request(method, path, headers=named, **content)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        return await self.ask("POST", path, body, **options)

    async def put(self, path: str, body: Any, **options: Any) -> httpx.Response:
        return await self.ask("PUT", path, body, **options)

    async def made(self, *resources: Json) -> list[str]:
        """Put resources as the system does; returns their references."""
        for one in resources:
            done = await self.put(f"/{one['resourceType']}/{one['id']}", one, account="system")
            assert done.status_code in (200, 201), done.text
        return [f"{one['resourceType']}/{one['id']}" for one in resources]

    async def events(self, **query: Any) -> list[Json]:
        """The stored AuditEvents, oldest first."""
        events = self.services.client[f"{self.services.settings.database_prefix}_exchange"]["AuditEvent"]
        return [row async for row in events.find(query).sort("_id", 1)]


def patient(identity: str = "p1", number: str = "", **elements: Any) -> Json:
    found: Json = {"resourceType": "Patient", "id": identity, "name": [{"family": "王", "given": ["晓梅"]}], **elements}
    return found | {"identifier": [{"system": ID_NUMBER, "value": number}]} if number else found


def observation(identity: str = "o1", of: str = "p1", **elements: Any) -> Json:
    return {
        "resourceType": "Observation", "id": identity, "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "1558-6"}]},
        "subject": {"reference": f"Patient/{of}"}, **elements,
    }  # fmt: skip


def issue(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code of the first issue, its diagnostics; the body must be an OperationOutcome."""
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome", body
    return answer.status_code, body["issue"][0]["code"], body["issue"][0]["diagnostics"]


def ids(answer: httpx.Response) -> list[str]:
    """Ids of a bundle's entries."""
    return [entry["resource"]["id"] for entry in answer.json().get("entry", ())]
