"""
The message monitor: what came, from whom, and what became of it.

https://openhim.org/docs/user-guide/transaction-log/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from hie.applications.administration import traffic
from hie.applications.administration.services import Services
from hie.applications.fhir import ZONE
from hie.directory.senders import SENDER, senders_of, slug
from hie.exchange.entries import to_message
from hie.exchange.inbound import InboundMessage
from hie.exchange.journal_reading import WITHOUT_BODY
from hie.ui import N_, Option
from hie.workbench.desk import Visit

BASE = "/workbench/administration"
SIZE = 25
# How the journal counts what named no sender that could be read.
UNKNOWN = "unknown"
STEP = timedelta(minutes=5)
_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


@dataclass(frozen=True, slots=True)
class Monitor:
    """Its two pages: the figures, and the list."""

    services: Services

    async def figures(self, visit: Visit) -> Response:
        """GET: live counts, throughput, sites."""
        counts = await self.services.journal.counts()
        names = await site_names(visit)
        return visit.render(
            "administration/monitor.html", counts=counts, waited=traffic.waited(counts["oldest_pending_seconds"]),
            hour=await self._hour(), sites=traffic.by_site(counts, names), now=self.services.clock(),
            words=traffic.STATE_WORDS, tones=traffic.STATE_TONES, events=await self.services.outbox.waiting(),
        )  # fmt: skip

    async def _hour(self) -> traffic.Hour:
        """Counted by the index over the time of reception."""
        end = self.services.clock()
        start = end - timedelta(hours=1)
        steps: list[dict[str, Any]] = [
            {"$match": {"received": {"$gte": start, "$lt": end}}},
            {"$project": {
                "slot": {"$floor": {"$divide": [{"$subtract": ["$received", start]}, STEP.total_seconds() * 1000]}},
                "open": {"$eq": ["$state", "pending"]},
            }},
            {"$group": {"_id": {"slot": "$slot", "open": "$open"}, "n": {"$sum": 1}}},
        ]  # fmt: skip
        received, done = [0] * 12, 0
        async for row in await self.services.journal.collection.aggregate(steps):
            received[min(int(row["_id"]["slot"]), 11)] += row["n"]
            done += 0 if row["_id"]["open"] else row["n"]
        return traffic.Hour([_clock(start + STEP * slot) for slot in range(12)], received, done)

    async def messages(self, visit: Visit) -> Response:
        """GET: the list, by state, site, type, day, message id or control id."""
        asked = {name: visit.query.get(name, "").strip() for name in ("state", "site", "type", "day", "id")}
        asked["state"] = "".join(traffic.known_states([asked["state"]]))
        rows = await self._find(to_query(asked, visit.query.get("before", "")))
        more = urlencode({**{k: v for k, v in asked.items() if v}, "before": rows[SIZE - 1].id}) if rows[SIZE:] else ""
        names = await site_names(visit)
        return visit.render(
            "administration/messages.html", rows=rows[:SIZE], asked=asked, more=more and f"?{more}",
            states=traffic.STATE_OPTIONS, words=traffic.STATE_WORDS, tones=traffic.STATE_TONES,
            sites=await self._sites(names), names=names, later=bool(visit.query.get("before")),
        )  # fmt: skip

    async def _find(self, query: Mapping[str, Any]) -> list[InboundMessage]:
        """One more than a page holds, the latest first, without their bytes."""
        found = self.services.journal.collection.find(dict(query), WITHOUT_BODY)
        return [to_message(one) async for one in found.sort("_id", -1).limit(SIZE + 1).max_time_ms(5000)]

    async def _sites(self, names: dict[str, str]) -> tuple[Option, ...]:
        found = await self.services.journal.collection.distinct("site")
        known = (Option(site, names.get(site) or site) for site in sorted(filter(None, found)))
        return (*known, Option(UNKNOWN, N_("不明的发送方")))


async def site_names(visit: Visit) -> dict[str, str]:
    """What the directory calls each registered site."""
    names: dict[str, str] = {}
    for organization in await visit.reader.all("Organization", ("identifier", f"{SENDER}|")):
        for sender in senders_of(organization):
            names[f"site-{slug(sender)}"] = str(organization.get("name", ""))
    return names


def to_query(asked: Mapping[str, str], before: str) -> dict[str, Any]:
    """The filter of the list; an id of 26 letters is ours, any other the sender's control id."""
    query: dict[str, Any] = {name: asked[name] for name in ("state", "site", "type") if asked.get(name)}
    if query.get("site") == UNKNOWN:
        query["site"] = ""
    if given := asked.get("id", ""):
        query |= {"_id": given.upper()} if _ID.fullmatch(given.upper()) else {"control": given}
    if (start := _day(asked.get("day", ""))) is not None:
        query["received"] = {"$gte": start, "$lt": start + timedelta(days=1)}
    if _ID.fullmatch(before) and "_id" not in query:
        query["_id"] = {"$lt": before}
    return query


def _day(given: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(given), time(), ZONE)
    except ValueError:
        return None


def _clock(at: datetime) -> str:
    return at.astimezone(ZONE).strftime("%H:%M")
