"""What waits for the public-health physician, for the landing page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from hie.applications.fhir import ZONE, instant
from hie.applications.public_health import queries
from hie.applications.public_health.queries import Asked, narrowed
from hie.applications.public_health.rules import rules_on
from hie.applications.work import Reader, Work
from hie.ui import N_
from hie.workbench.desk import TaskCount

BASE = "/workbench/public-health"


async def tasks(reader: Reader, work: Work) -> Sequence[TaskCount]:
    """Cards that wait: all, late, and due before the day ends."""
    now = work.clock()
    day = now.astimezone(ZONE).date()
    found = await queries.counts(reader, now)
    tomorrow = datetime.combine(day + timedelta(days=1), time(), ZONE)
    base = narrowed(Asked("draft"), now, rules_on(day))
    due = await reader.count("Task", *base, ("period", f"ge{instant(now)}"), ("period", f"lt{instant(tomorrow)}"))
    return [
        TaskCount(N_("待审传染病报告卡"), f"{BASE}?filter=draft", found["draft"], found["overdue"], due),
        TaskCount(N_("退回订正的报告卡"), f"{BASE}?filter=returned", found["returned"]),
    ]
