"""What waits at the referral desk, for the landing page."""

from __future__ import annotations

from collections.abc import Sequence

from hie.applications import organizations
from hie.applications.regional_medical import queries
from hie.applications.work import Reader, Work
from hie.ui import N_
from hie.workbench.desk import TaskCount

BASE = "/workbench/regional-medical"


BOXES: tuple[tuple[queries.Box, str], ...] = (("inbox", N_("收到的转诊")), ("outbox", N_("发出的转诊")))


async def tasks(reader: Reader, work: Work) -> Sequence[TaskCount]:
    """Per box: what the own institution must do next, and what is late."""
    own, now = await organizations.own(reader, reader.organization), work.clock()
    found = []
    for box, title in BOXES:
        open_, late = await queries.waiting(reader, box, own, now)
        found.append(TaskCount(title, f"{BASE}/{box}", open_, late))
    return found
