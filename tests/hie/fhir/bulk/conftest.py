"""Bulk jobs over a real exchange: its doors as the web process has them, runners as worker processes have them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from bulk_world import BulkWorld
from starlette.applications import Starlette

from hie.app import build
from hie.fhir.bulk.doors import bulk_routes
from hie.fhir.web import fhir_routes
from hie.settings import Settings


@pytest.fixture
async def bulk(issuer: Settings, mongo_uri: str, database_prefix: str, tmp_path: Path) -> AsyncIterator[BulkWorld]:
    """An exchange whose exports begin at once and whose files are small."""
    changes = {
        "mongo_uri": mongo_uri, "database_prefix": database_prefix, "data_dir": tmp_path, "bulk_settle_seconds": 0.0,
    }  # fmt: skip
    async with build(issuer.model_copy(update=changes)) as services:
        app = Starlette(routes=[*bulk_routes(services.fhir), *fhir_routes(services.fhir)])
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=services.settings.fhir_url) as client:
            plain = Settings(data_dir=services.settings.data_dir, sign_in_port=services.settings.sign_in_port)
            yield BulkWorld(services, client, plain)
