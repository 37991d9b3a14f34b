"""
The first page: what waits for whoever signed in, over all modules of the role.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from starlette.responses import Response

from hie.applications.work import Reader
from hie.errors import HieError
from hie.workbench.desk import Module, TaskCount, Visit
from records.errors import RecordError

_log = structlog.get_logger("hie.workbench")


@dataclass(frozen=True, slots=True)
class Waiting:
    """The tasks of one module; `failed` where they could not be counted."""

    module: Module
    counts: Sequence[TaskCount] = field(default=())
    failed: bool = False

    def total(self, name: str) -> int:
        """All of one kind: open, overdue, today."""
        return sum(getattr(one, name) for one in self.counts)


@dataclass(frozen=True, slots=True)
class Landing:
    """The page."""

    modules: Sequence[Module]

    async def show(self, visit: Visit) -> Response:
        """GET /workbench."""
        mine = [module for module in self.modules if visit.caller.role in module.roles]
        waiting = [await self._count(visit, module) for module in mine if module.tasks is not None]
        totals = {name: sum(one.total(name) for one in waiting) for name in ("overdue", "today", "open")}
        return visit.render("workbench/landing.html", waiting=waiting, totals=totals, mine=mine)

    async def _count(self, visit: Visit, module: Module) -> Waiting:
        # Only numbers leave this page, so that nobody's record counts as looked at.
        reader = Reader(visit.work.store, visit.reader.sight, visit.caller.organization)
        try:
            return Waiting(module, tuple(await module.tasks(reader, visit.work)) if module.tasks else ())
        except (HieError, RecordError) as error:
            _log.warning("tasks not counted", module=module.name, error=type(error).__name__)
            return Waiting(module, failed=True)
