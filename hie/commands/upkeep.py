"""
`hie verify-audit`, `hie reindex`, `hie migrate`: what keeps a running region well.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import ConnectionFailure

from hie.audit.trail import AuditTrail
from hie.errors import Unavailable
from hie.exchange.database import Client
from hie.exchange.journal import Journal
from hie.exchange.outbox import Outbox
from hie.exchange.schema import Schema
from hie.fhir.subscriptions.registry import Registry as Subscriptions
from hie.identity.registry import ClientRegistry
from hie.settings import Settings
from records.resource_store import ResourceStore

Say = Callable[[str], None]


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Client]:
    """A connection; Unavailable where nobody answers."""
    async with AsyncMongoClient[dict[str, Any]](
        settings.database_uri, tz_aware=True, w="majority", serverSelectionTimeoutMS=5000
    ) as client:
        try:
            yield client
        except ConnectionFailure as error:
            raise Unavailable("The database does not answer; is the exchange running?") from error


async def verify(settings: Settings, say: Say) -> int:
    """Read the whole audit trail; returns the exit code."""
    async with database(settings) as client:
        trail = AuditTrail(client, settings.database_prefix, data_dir=settings.data_dir)
        found = await trail.verify()
    if found.ok:
        say(f"{found.events} events in {found.chains} chains, {found.checkpoints} checkpoints: unbroken.")
        return 0
    say(f"Broken ({found.problem}) at {found.where}; {found.events} events before it hold.")
    return 1


async def reindex_all(settings: Settings, say: Say) -> int:
    """Compute all search keys again; returns how many resources had others."""
    async with database(settings) as client:
        store = ResourceStore(client, settings.database_prefix, base=settings.fhir_url)
        return await store.reindex(lambda kind, count: say(f"{kind}: {count}"))


async def migrate_stores(settings: Settings, say: Say, *, dry_run: bool = False) -> None:
    """Run the migrations that wait, and make every index that is missing; with `dry_run` only say which."""
    async with database(settings) as client:
        schema = Schema(client, settings.database_prefix)
        waiting = await schema.waiting()
        say(f"The stores have schema {await schema.version()}, this release has {schema.newest}.")
        for step in waiting if dry_run else ():
            say(f"Would run {step.version}: {step.title}")
        if dry_run:
            return
        await schema.migrate(say)
        for part in _indexed(settings, client):
            await part.ensure_indexes()
        say("All indexes are there.")


def _indexed(settings: Settings, client: Client) -> tuple[Any, ...]:
    prefix = settings.database_prefix
    store = ResourceStore(client, prefix)
    registry = ClientRegistry(client, prefix, store)
    return store, registry, Journal(client, prefix), Outbox(client, prefix), Subscriptions(client, prefix)
