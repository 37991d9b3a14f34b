"""
What waits for the supervising pharmacist, for the landing page: facilities over a limit in the last whole month.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from hie.applications.drug_supervision.queries import Desk, Month, before
from hie.applications.drug_supervision.remembered import Remembered
from hie.applications.drug_supervision.rules import rules_on
from hie.applications.fhir import ZONE
from hie.applications.work import Reader, Work
from hie.indicators.indicator import Window
from hie.ui import N_
from hie.workbench.desk import TaskCount
from terminology.service import Terminology

BASE = "/workbench/drug-supervision"


@dataclass(frozen=True, slots=True)
class Office:
    """What all requests of one process share: the months that were just added up."""

    remembered: Remembered[Month] = field(default_factory=Remembered)

    def desk(self, reader: Reader, terminology: Terminology, now: datetime) -> Desk:
        """The queries of one request."""
        return Desk(reader, terminology, now, self.remembered)

    async def tasks(self, reader: Reader, work: Work) -> Sequence[TaskCount]:
        """Facilities over the density limit, below their essential share, and rows that could not be counted."""
        now = work.clock()
        today = now.astimezone(ZONE).date()
        window = before(Window.month(today.year, today.month))
        month = await self.desk(reader, work.terminology, now).month(window)
        rules = rules_on(window.start)
        below = [place for place in month.places if place.misses_essential()]
        named = f"{window.start:%Y-%m}"
        path = f"{BASE}?{urlencode({'month': named})}"
        rows = f"{BASE}/rows?{urlencode({'month': named, 'kind': 'problems'})}"
        return [
            TaskCount(N_("上月抗菌药物使用强度超标的机构"), path, len(month.over(rules))),
            TaskCount(N_("上月基本药物品种占比不足的机构"), path, len(below)),
            TaskCount(N_("上月未能计入的记录"), rows, month.region.uncounted),
        ]
