"""
The administration's own indicators, out of the journal: what got in, what was understood, and how fast.

One row stands for all messages of a site and a day, and opens their list: millions of rows would say no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from hie.applications.fhir import ZONE
from hie.exchange.journal import Journal
from hie.indicators.engine import Collector, Source
from hie.indicators.indicator import Evidence, Row, Window

PROMPT = timedelta(seconds=60)
STORED = ("committed", "kept")
ARRIVED = (*STORED, "dead", "rejected")


@dataclass(frozen=True, slots=True)
class Traffic:
    """Counts the journal by site and day."""

    journal: Journal

    def collectors(self) -> Mapping[str, Collector]:
        """By indicator id."""
        return {
            "messages-stored": self.stored,
            "messages-understood": self.understood,
            "messages-prompt": self.prompt,
        }

    async def stored(self, _source: Source, window: Window) -> Evidence:
        """Stored among all that are decided; what waits is counted when it is done."""
        return await self._share(window, {"$in": ["$state", list(STORED)]}, {"state": {"$in": list(ARRIVED)}})

    async def understood(self, _source: Source, window: Window) -> Evidence:
        """Without any unmapped part, among the stored."""
        plain = {"$eq": [{"$size": {"$ifNull": ["$unmapped", []]}}, 0]}
        return await self._share(window, plain, {"state": {"$in": list(STORED)}})

    async def prompt(self, _source: Source, window: Window) -> Evidence:
        """Done within a minute of reception, among the stored."""
        taken = {"$subtract": ["$done", "$received"]}
        soon = {"$lte": [taken, PROMPT.total_seconds() * 1000]}
        return await self._share(window, soon, {"state": {"$in": list(STORED)}, "done": {"$exists": True}})

    async def _share(self, window: Window, good: Mapping[str, Any], among: Mapping[str, Any]) -> Evidence:
        day = {"$dateToString": {"date": "$received", "format": "%Y-%m-%d", "timezone": str(ZONE)}}
        steps: list[dict[str, Any]] = [
            {"$match": {"received": {"$gte": midnight(window.start), "$lt": midnight(window.end)}, **among}},
            {"$group": {
                "_id": {"site": "$site", "day": day},
                "all": {"$sum": 1},
                "good": {"$sum": {"$cond": [good, 1, 0]}},
            }},
            {"$sort": {"_id.day": 1, "_id.site": 1}},
        ]  # fmt: skip
        found = [row async for row in await self.journal.collection.aggregate(steps)]
        good_ones = tuple(_row(one, "good") for one in found if one["good"])
        return Evidence(good_ones, tuple(_row(one, "all") for one in found))


def _row(found: Mapping[str, Any], name: str) -> Row:
    site = found["_id"]["site"] or "unknown"
    return Row(f"messages/{site}/{found['_id']['day']}", site, Decimal(found[name]))


def midnight(day: date) -> datetime:
    """The first moment of a day in the region."""
    return datetime.combine(day, time(), ZONE)
