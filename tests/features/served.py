"""The capability statement as a client gets it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from hie.app import build
from hie.fhir.web import fhir_routes
from hie.settings import Settings


async def statement(mongo_uri: str, data: Path, prefix: str = "features") -> dict[str, Any]:
    """`GET [base]/metadata` of an exchange over this database."""
    settings = Settings(mongo_uri=mongo_uri, data_dir=data, database_prefix=prefix)
    async with build(settings) as services:
        transport = httpx.ASGITransport(app=Starlette(routes=fhir_routes(services.fhir)))
        async with httpx.AsyncClient(transport=transport, base_url=settings.fhir_url) as client:
            answer = await client.get("/metadata")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
