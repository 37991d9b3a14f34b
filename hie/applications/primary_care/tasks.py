"""What waits for a family doctor, for the landing page."""

from __future__ import annotations

from collections.abc import Sequence

from hie.applications import organizations
from hie.applications.fhir import ZONE
from hie.applications.primary_care import queries
from hie.applications.primary_care.use_cases import rules_on
from hie.applications.work import Reader, Work
from hie.ui import N_
from hie.workbench.desk import TaskCount

BASE = "/workbench/primary-care"


async def tasks(reader: Reader, work: Work) -> Sequence[TaskCount]:
    """The follow-ups of the own institution; those of the region where it has none."""
    today = work.clock().astimezone(ZONE).date()
    owners = await scope(reader, "")
    found = await queries.counts(reader, owners, today, rules_on(today))
    due = await reader.count("Task", *queries.base(owners), ("period", today.isoformat()))
    return [TaskCount(N_("高血压随访"), BASE, found["all"], found["overdue"], due)]


async def scope(reader: Reader, asked: str) -> frozenset[str]:
    """
    Whose follow-ups a list shows: `own`, `all`, or one institution's reference; asked for nothing, the own ones
    where there are any.
    """
    if asked.startswith("Organization/"):
        return frozenset({asked})
    own = await organizations.own(reader, reader.organization)
    if asked == "own" or (not asked and own and await reader.count("Task", *queries.base(own))):
        return own
    return frozenset()
