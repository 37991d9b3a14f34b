"""
`hie status` and `hie drain`: is it ready, where is it, what waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import asdict
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from hie.exchange.journal import Journal
from hie.exchange.outbox import Outbox
from hie.exchange.pausing import Pausing
from hie.settings import Settings
from hie.supervisor.up import answers, on_this_machine


async def status(settings: Settings) -> dict[str, Any]:
    """Ready or not, addresses, journal counts; without a database `ready` is False and `counts` None."""
    counts: dict[str, Any] | None = None
    with contextlib.suppress(PyMongoError):
        counts = await journal_counts(settings) | {"paused_sites": await paused_sites(settings)}
    ready = answers(f"{on_this_machine(settings, settings.web_port)}/health/ready")
    return {"ready": ready and counts is not None, "addresses": addresses(settings), "journal": counts}


def addresses(settings: Settings) -> dict[str, str]:
    """Where everything is."""
    host = settings.host
    return {
        "fhir": settings.fhir_url,
        "workbench": f"{settings.web_url}/workbench",
        "portal": settings.portal_url or f"http://{host}:{settings.portal_port}/",
        "sign_in": settings.issuer_url,
        "mllp": f"{host}:{settings.mllp_port}",
        "hl7v2_http": f"{settings.web_url}/hl7v2",
        "metrics": f"{settings.web_url}/metrics",
    }


async def journal_counts(settings: Settings) -> dict[str, Any]:
    """Counts of the journal by state and site."""
    async with AsyncMongoClient[dict[str, Any]](
        settings.database_uri, tz_aware=True, serverSelectionTimeoutMS=3000
    ) as client:
        return dict(await Journal(client, settings.database_prefix).counts())


async def paused_sites(settings: Settings) -> dict[str, Any]:
    """Which sites are paused, by whom, since when, why, and how many of their messages wait."""
    async with AsyncMongoClient[dict[str, Any]](
        settings.database_uri, tz_aware=True, serverSelectionTimeoutMS=3000
    ) as client:
        listed = await Pausing(client, settings.database_prefix).listed()
    return {one.site: {key: value for key, value in asdict(one).items() if key != "site"} for one in listed}


async def drain(settings: Settings, seconds: float, *, events: bool = False) -> bool:
    """Wait until no message is pending, with `events` no event either; False where the time ran out."""
    deadline = time.monotonic() + seconds
    async with AsyncMongoClient[dict[str, Any]](
        settings.database_uri, tz_aware=True, serverSelectionTimeoutMS=5000
    ) as client:
        journal, outbox = Journal(client, settings.database_prefix), Outbox(client, settings.database_prefix)
        while await journal.pending() or (events and await outbox.waiting()):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.2)
    return True
