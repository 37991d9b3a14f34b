"""
The message monitor: what comes, from whom, what waits, failed, is on its way out; by counters and indexes.

https://openhim.org/docs/user-guide/transaction-log/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from starlette.responses import Response

from hie.applications.administration import stacks, traffic
from hie.applications.administration.counting import HOUR, MINUTE, TrafficCounts, floor
from hie.applications.administration.holding import holds_of
from hie.applications.administration.queues import Queues
from hie.applications.administration.services import Services
from hie.applications.fhir import ZONE
from hie.directory.senders import SENDER, senders_of, slug
from hie.ui import N_
from hie.workbench.desk import Visit

BASE = "/workbench/administration"
WEEK = timedelta(days=7)
# A page that renews itself does so for ten minutes: it must not keep a desk signed in that nobody sits at.
EVERY_SECONDS, TURNS = 30, 20
OTHERS = N_("其他发送方")


@dataclass(frozen=True, slots=True)
class Monitor:
    """One page."""

    services: Services
    counts: TrafficCounts = field(init=False)
    queues: Queues = field(init=False)

    def __post_init__(self) -> None:
        services = self.services
        counts = TrafficCounts(services.client, services.settings.database_prefix, clock=services.clock)
        object.__setattr__(self, "counts", counts)
        object.__setattr__(self, "queues", Queues(services.journal, services.feeds))

    async def figures(self, visit: Visit) -> Response:
        """GET: throughput, queues, failures, feeds; `live` counts down the turns for which the page renews itself."""
        await self.counts.catch_up(2)
        now, names = self.services.clock(), await site_names(visit)
        start = floor(now, MINUTE) - HOUR + MINUTE
        minutes = traffic.minute_by_minute(await self.counts.minutes(start), start)
        rows = await self._sites(now, names, minutes)
        series = traffic.stacked(minutes, names, OTHERS)
        live = turns_left(visit.query.get("live", ""))
        page = visit.render(
            "administration/monitor.html", now=now, live=live, turns=TURNS, every=EVERY_SECONDS, sites=rows,
            states=await self.queues.counts("pending", "dead", "quarantined"), waited=_waited(rows, now),
            today=_total(rows, "today"), series=series, drawn=stacks, labels=[_clock(start), _clock(now)],
            slots=_slots(series, start), feeds=await self.queues.of_feeds(), since=traffic.since(now),
            events=await self.services.outbox.waiting(), counted=await self.counts.until(),
            holds=await holds_of(self.services), today_day=now.astimezone(ZONE).date().isoformat(),
        )  # fmt: skip
        if live:
            page.headers["Refresh"] = f"{EVERY_SECONDS}; url={BASE}{f'?live={live - 1}' if live > 1 else ''}"
        return page

    async def _sites(
        self, now: datetime, names: Mapping[str, str], minutes: Mapping[str, list[int]]
    ) -> list[traffic.SiteTraffic]:
        day, week = midnight(now), floor(now - WEEK, HOUR)
        today = traffic.shares(await self.queues.failed(day), await self.counts.received(day))
        lately = traffic.shares(await self.queues.failed(week), await self.counts.received(week))
        sites = {*await self.queues.sites(), *today, *lately, *minutes}
        queues = {site: await self.queues.of_site(site) for site in sites}
        return traffic.lines(sites, names, minutes, queues, today, lately)


async def site_names(visit: Visit) -> dict[str, str]:
    """What the directory calls each registered site."""
    names: dict[str, str] = {}
    for organization in await visit.reader.all("Organization", ("identifier", f"{SENDER}|")):
        for sender in senders_of(organization):
            names[f"site-{slug(sender)}"] = str(organization.get("name", ""))
    return names


def turns_left(given: str) -> int:
    """How often the page renews itself yet; 0: it stays as it is."""
    return min(int(given), TURNS) if given.isascii() and given.isdigit() else 0


def midnight(now: datetime) -> datetime:
    """The first moment of the region's day."""
    return datetime.combine(now.astimezone(ZONE).date(), time(), ZONE)


def _waited(rows: list[traffic.SiteTraffic], now: datetime) -> tuple[str, int] | None:
    oldest = min((row.queue.oldest for row in rows if row.queue.oldest), default=None)
    return traffic.waited((now - oldest).total_seconds()) if oldest else None


def _total(rows: list[traffic.SiteTraffic], name: str) -> traffic.Share:
    shares = [getattr(row, name) for row in rows]
    return traffic.Share(sum(one.failed for one in shares), sum(one.received for one in shares))


def _slots(series: list[stacks.Series], start: datetime) -> list[dict[str, Any]]:
    """The numbers of the chart, five minutes a row."""
    return [
        {"label": _clock(start + MINUTE * at), "values": [sum(one.values[at : at + 5]) for one in series]}
        for at in range(0, 60, 5)
    ]


def _clock(at: datetime) -> str:
    return at.astimezone(ZONE).strftime("%H:%M")
