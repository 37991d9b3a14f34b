"""
The composition root: from Settings to everything that runs; the only file that knows every class.

`build` makes the services of one process; `web_app`, `listener` and `workers` make of them what a process does.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from pymongo import AsyncMongoClient
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from adapters.hl7v2.site import Limits
from adapters.mllp.server import MllpServer
from hie.access.demo_sign_in.accounts import bind_demo_accounts
from hie.access.gate import Gate
from hie.applications.administration import routes as administration
from hie.applications.administration.counting import TrafficCounts
from hie.applications.drug_supervision import routes as drug_supervision
from hie.applications.primary_care import events as primary_care_events
from hie.applications.primary_care import routes as primary_care
from hie.applications.public_health import events as public_health_events
from hie.applications.public_health import routes as public_health
from hie.applications.regional_medical import events as regional_medical_events
from hie.applications.regional_medical import routes as regional_medical
from hie.applications.work import Work
from hie.audit.events import Observer
from hie.audit.trail import AuditTrail
from hie.directory.sites import Directory
from hie.exchange.backlog import Backlog
from hie.exchange.clockwork import Clockwork
from hie.exchange.database import Client
from hie.exchange.filing import Filing
from hie.exchange.ids import Clock, now
from hie.exchange.intake import Intake
from hie.exchange.journal import Journal
from hie.exchange.lane_count import LaneCount
from hie.exchange.leases import Leases
from hie.exchange.limits import SiteLimits
from hie.exchange.listeners import listeners, usual
from hie.exchange.mllp_door import mllp_server
from hie.exchange.outbox import Outbox
from hie.exchange.outbox_runner import OutboxRunner
from hie.exchange.pausing import Pausing
from hie.exchange.pipeline import Pipeline, pipeline
from hie.exchange.pruning import Pruner
from hie.exchange.quarantine import Quarantine
from hie.exchange.region_codes import mapper
from hie.exchange.retention import retention
from hie.exchange.schema import Schema
from hie.exchange.unmapped import UnmappedQueue
from hie.exchange.worker import Worker
from hie.feeds import fan_out as feed_fan_out
from hie.feeds import wiring as feed_wiring
from hie.feeds.answers import AnswerQueue
from hie.feeds.deliveries import FeedDeliveries
from hie.feeds.interest import FeedInterest
from hie.feeds.registry import Feeds
from hie.fhir.bulk.doors import bulk_routes
from hie.fhir.bulk.jobs import Jobs as BulkJobs
from hie.fhir.bulk.runner import BulkRunner
from hie.fhir.dictionary import RegionDictionary
from hie.fhir.operations.messaging.delivering import Responses, endpoints
from hie.fhir.operations.messaging.filing import CONSUMER, Messages
from hie.fhir.operations.messaging.replaying import ByChannel
from hie.fhir.operations.validate.enforcing import Claims
from hie.fhir.services import FhirServices
from hie.fhir.subscriptions import fan_out, websocket, wiring
from hie.fhir.subscriptions.deliveries import Deliveries
from hie.fhir.subscriptions.interest import Interest
from hie.fhir.subscriptions.registry import Registry as Subscriptions
from hie.fhir.web import fhir_routes
from hie.http import metrics
from hie.http.health import Health, database_check
from hie.http.hl7v2 import Hl7OverHttp
from hie.http.measuring import Measuring
from hie.http.problems import SecurityHeaders, refused
from hie.identity.registry import ClientRegistry
from hie.queries.desk import Queries
from hie.settings import Settings
from hie.ui import static
from hie.workbench.desk import Module
from hie.workbench.routes import workbench_routes
from records.reindexing import Reindexer
from records.resource_store import ResourceStore
from terminology.service import Terminology, terminology

LISTENING = (primary_care_events, regional_medical_events, public_health_events)
# A sender or a browser waits for an answer: longer than this the database is away.
SELECTION_MS = 10_000
# Objects between two looks of the collector: a bundle makes hundreds of thousands that all live until it is stored.
COLLECTED = (50_000, 20, 50)


@dataclass(frozen=True, slots=True)
class Services:
    """Everything of one process, wired."""

    settings: Settings
    client: Client
    clock: Clock
    store: ResourceStore
    registry: ClientRegistry
    outbox: Outbox
    filing: Filing
    journal: Journal
    unmapped: UnmappedQueue
    directory: Directory
    quarantine: Quarantine
    intake: Intake
    gate: Gate
    audit: AuditTrail
    terminology: Terminology
    pipeline: Pipeline
    work: Work
    fhir: FhirServices
    interest: Interest
    feeds: Feeds
    feed_interest: FeedInterest
    holds: Pausing

    def leases(self, collection: str) -> Leases:
        """The leases of this process in `lanes` or `consumers`."""
        owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        return Leases(self.client, self.settings.database_prefix, collection, owner)


@asynccontextmanager
async def build(settings: Settings, *, clock: Clock = now) -> AsyncIterator[Services]:
    """The services of one process; Unavailable where the stores are of another release."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(connect(settings))
        await Schema(client, settings.database_prefix, clock=clock).check()
        services = wire(settings, client, clock)
        stack.push_async_callback(services.gate.aclose)
        stack.push_async_callback(services.audit.aclose)
        await stack.enter_async_context(LaneCount(client, settings.database_prefix, settings.lanes).kept())
        await asyncio.gather(*(part.ensure_indexes() for part in (
            services.store, services.registry, services.journal, services.outbox, services.fhir.subscriptions,
            services.fhir.bulk, services.feeds,
        )))  # fmt: skip
        await stack.enter_async_context(services.store.parameters.kept())
        if settings.mode == "demo":
            await bind_demo_accounts(services.gate.accounts)
        await stack.enter_async_context(services.interest.following())
        await stack.enter_async_context(services.feed_interest.following())
        yield services


def connect(settings: Settings) -> Client:
    """The database, with the write concern that acknowledgements stand on."""
    return AsyncMongoClient[dict[str, Any]](
        settings.database_uri, tz_aware=True, w="majority", serverSelectionTimeoutMS=SELECTION_MS, appname="hie"
    )


def wire(settings: Settings, client: Client, clock: Clock) -> Services:
    """Collaborators to services; asks nothing of the database."""
    prefix, words = settings.database_prefix, terminology()
    dictionary = RegionDictionary.over(client, prefix)
    store = ResourceStore(
        client, prefix, base=settings.fhir_url, default_count=settings.fhir_default_count,
        max_count=settings.fhir_max_count, dictionary=dictionary, clock=clock,
    )  # fmt: skip
    registry = ClientRegistry(client, prefix, store, clock=clock)
    outbox = Outbox(client, prefix, clock=clock)
    filing = Filing(store, registry, outbox)
    directory = Directory(client, prefix, store, settings, clock=clock)
    feeds = Feeds(client, prefix, clock=clock)
    journal = Journal(client, prefix, clock=clock, answering=AnswerQueue(feeds, directory, clock=clock))
    gate = Gate(settings, registry, store, client, clock=clock)
    observer = Observer(settings.fhir_url, issuer=settings.issuer_url)
    audit = AuditTrail(client, prefix, data_dir=settings.data_dir, observer=observer, clock=clock)
    claims = Claims.of(store, settings)
    work = Work(store, filing, registry, words, clock, claims)
    subscribe(outbox, work)
    kept = timedelta(days=settings.subscription_retention_days)
    subscriptions = Subscriptions(client, prefix, clock=clock, kept=kept)
    bulk = BulkJobs(client, prefix, dictionary=dictionary, clock=clock)
    fhir = FhirServices(settings, store, filing, gate, audit, journal, registry, clock, subscriptions, bulk)
    interest = Interest(subscriptions)
    gate.watch(interest.saw)
    outbox.subscribe(CONSUMER, (), Responses(journal, endpoints(settings)))
    outbox.subscribe(fan_out.NAME, interest, wiring.fan_out(fhir, dictionary))
    queries = Queries(settings, client, store, registry, gate, audit, clock)
    intake = Intake(
        journal, directory, settings, clock, queries,
        SiteLimits(Limits(settings.site_messages_per_second, settings.site_connections)),
        Backlog(journal, settings.most_pending),
    )  # fmt: skip
    feed_interest = FeedInterest(feeds)
    outbox.subscribe(feed_fan_out.NAME, feed_interest, feed_wiring.fan_out(fhir, feeds, dictionary))
    return Services(
        settings, client, clock, store, registry, outbox, filing, journal, UnmappedQueue(client, prefix), directory,
        Quarantine(journal, directory), intake, gate, audit, words,
        pipeline(store=store, directory=directory, filing=filing, journal=journal, mapper=mapper(words), held=claims),
        work,
        fhir, interest, feeds, feed_interest, Pausing(client, prefix, clock=clock),
    )  # fmt: skip


def subscribe(outbox: Outbox, work: Work) -> None:
    """The consumers of all modules; every process makes the same subscriptions, for any may publish."""
    for module in LISTENING:
        for name, types, listener in module.consumers(work):
            outbox.subscribe(name, types, listener)


# What a process does


def web_app(settings: Settings) -> Starlette:
    """FHIR, HL7 v2 over HTTP, workbench, metrics and health; services live as long as the application."""
    counted = metrics.requests()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with build(settings) as services:
            app.router.routes[:] = routes(services, counted)
            settle_memory()
            yield

    return Starlette(
        lifespan=lifespan,
        middleware=[Middleware(Measuring, counted=counted), Middleware(SecurityHeaders)],
        exception_handlers={HTTPException: refused, Exception: refused},
    )


def settle_memory() -> None:
    """
    Definitions, tables and code stay for good: the collector of garbage need not look at them again and again.

    https://docs.python.org/3/library/gc.html#gc.freeze
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED)


def web_from_environment() -> Starlette:
    """The same for servers that start several processes."""
    return web_app(Settings())


def routes(services: Services, counted: metrics.Requests) -> list[BaseRoute]:
    """Every address of the web service."""
    settings = services.settings
    checks = {
        "database": database_check(services.client, settings.database_prefix, services.clock),
        "sign-in": services.gate.keys.ready,
    }
    return [
        *Health(checks).routes(),
        *metrics.routes(counted, lambda: figures(services)),
        *Hl7OverHttp(settings, services.gate, services.intake, services.clock).routes(),
        *websocket.routes(services.fhir),
        *bulk_routes(services.fhir),
        *fhir_routes(services.fhir),
        *pages(services),
    ]


def pages(services: Services) -> Iterator[BaseRoute]:
    """Static files and the workbench."""
    yield from static.routes()
    yield from workbench_routes(services.settings, services, modules(services))


def modules(services: Services) -> tuple[Module, ...]:
    """The five modules; the administration looks into the exchange itself."""
    return (
        primary_care.module(), regional_medical.module(), drug_supervision.module(), public_health.module(),
        administration.module(services),
    )  # fmt: skip


async def figures(services: Services) -> metrics.Figures:
    """What the metrics page asks of the database."""
    events = services.client[f"{services.settings.database_prefix}_exchange"]["AuditEvent"]
    return metrics.Figures(
        await services.journal.counts(),
        await services.outbox.waiting(),
        await services.outbox.collection.count_documents({"state": "dead"}),
        await events.estimated_document_count(),
        {feed.name: await services.feeds.counts(feed.name) for feed in await services.feeds.all()},
    )


def listener(services: Services) -> MllpServer:
    """The MLLP listener of the settings; with certificate and key it speaks TLS, with a client CA mutual TLS."""
    return mllp_server(services.intake, services.settings, usual(services.settings))


def mllp_listeners(services: Services) -> list[MllpServer]:
    """Every MLLP listener of the exchange: those of the listeners' file, else the one of the settings."""
    return [mllp_server(services.intake, services.settings, one) for one in listeners(services.settings)]


def carrier(services: Services) -> ByChannel:
    """What a worker does with an entry of the journal."""
    fhir, settings = services.fhir, services.settings
    held = Claims.of(services.store, settings)
    messages = Messages(fhir.filing, fhir.journal, fhir.clock, settings.fhir_url, held)
    return ByChannel(services.pipeline, messages, settings.fhir_max_entries)


def workers(
    services: Services,
) -> tuple[Worker, OutboxRunner, Clockwork, Deliveries, BulkRunner, Reindexer, FeedDeliveries, Pruner]:
    """Lanes, outbox, what time alone changes, subscribers, bulk, reindexing, feeds, pruning."""
    worker = Worker(
        services.journal, carrier(services), services.leases("lanes"), lanes=services.settings.lanes,
        unmapped=services.unmapped, quarantine=services.quarantine,
        pausing=services.holds,
    )  # fmt: skip
    consumers = services.leases("consumers")
    told = wiring.deliveries(services.fhir, consumers.owner)
    bulk = BulkRunner(services.fhir, services.leases("bulk_leases"))
    again = Reindexer(services.store.collections, services.store.parameters, rate=services.settings.reindex_rate)
    feeds = feed_wiring.deliveries(services.fhir, services.feeds, services.directory.profiles, consumers.owner)
    pruner = Pruner(
        services.client, services.settings.database_prefix, partial(retention, services.settings.data_dir),
        services.leases("pruning_leases"), clock=services.clock,
    )  # fmt: skip
    return worker, OutboxRunner(services.outbox, consumers), clockwork(services), told, bulk, again, feeds, pruner


def clockwork(services: Services) -> Clockwork:
    """The housekeeping of every module that has some."""
    traffic = TrafficCounts(services.client, services.settings.database_prefix, clock=services.clock)
    referrals = partial(regional_medical_events.housekeeping, services.work)
    return Clockwork({"regional-medical": referrals, "traffic": traffic.catch_up})
