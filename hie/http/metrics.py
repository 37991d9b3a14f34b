"""
Metrics in Prometheus' text format; the names are a contract with whoever draws the graphs.

https://prometheus.io/docs/instrumenting/exposition_formats/, https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LABELS = ("route", "interaction", "status")


@dataclass(frozen=True, slots=True)
class Requests:
    """What the requests of this process took."""

    registry: CollectorRegistry
    counted: Counter
    seconds: Histogram

    def took(self, route: str, interaction: str, status: int, seconds: float) -> None:
        """Count one request."""
        self.counted.labels(route, interaction, str(status)).inc()
        self.seconds.labels(route, interaction).observe(seconds)


def requests() -> Requests:
    """Counters of an application of its own."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    return Requests(
        registry,
        Counter("hie_http_requests", "HTTP requests", LABELS, registry=registry),
        Histogram("hie_http_request_seconds", "Time to answer", LABELS[:2], registry=registry, buckets=BUCKETS),
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """The exchange at one moment, as its database tells it."""

    journal: Mapping[str, Any]
    outbox: Mapping[str, int]
    outbox_dead: int
    audit_events: int
    feeds: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


STATES = ("pending", "committed", "kept", "dead", "quarantined", "rejected", "paused")


def families(figures: Figures) -> Iterator[Metric]:
    """The figures as gauges; all workers share one database, so each gives the same answer."""
    journal = figures.journal
    yield _by("hie_journal_messages", "Messages in the journal", "state", {one: journal[one] for one in STATES})
    yield _one("hie_journal_received", "Messages received so far", journal["received"])
    yield _one(
        "hie_journal_oldest_pending_seconds", "Age of the oldest message that waits", journal["oldest_pending_seconds"]
    )
    yield _by("hie_outbox_waiting", "Events that wait", "consumer", figures.outbox)
    yield _one("hie_outbox_dead", "Events that a consumer could not take", figures.outbox_dead)
    yield _one("hie_audit_events", "Events in the audit trail", figures.audit_events)
    feeds = GaugeMetricFamily("hie_feed_messages", "Messages of outbound feeds", labels=["feed", "state"])
    for feed, counts in figures.feeds.items():
        for state, count in counts.items():
            feeds.add_metric([feed, state], count)
    yield feeds


def _one(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _by(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


class _Gauges(Collector):
    def __init__(self, found: Sequence[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        yield from self._found


def page(counted: Requests, figures: Figures) -> bytes:
    """The whole answer; with several web processes their counters are added up."""
    gauges = CollectorRegistry()
    gauges.register(_Gauges(list(families(figures))))
    own = counted.registry
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        own = CollectorRegistry()
        MultiProcessCollector(own)  # type: ignore[no-untyped-call]
    return generate_latest(own) + generate_latest(gauges)


def routes(counted: Requests, figures: Callable[[], Awaitable[Figures]]) -> list[Route]:
    """`GET /metrics`."""

    async def metrics(_request: Request) -> Response:
        body = page(counted, await figures())
        return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/metrics", metrics)]
