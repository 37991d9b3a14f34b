"""
What waits for an administrator; the landing page shows the counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from hie.applications.administration.access_review import AccessReview
from hie.applications.administration.monitor import BASE
from hie.applications.administration.services import Services
from hie.applications.work import Reader, Work
from hie.ui import N_
from hie.workbench.desk import TaskCount

PATIENCE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tasks:
    """Counts; nothing of a message or a record is read."""

    services: Services
    accesses: AccessReview

    async def count(self, _reader: Reader, _work: Work) -> Sequence[TaskCount]:
        """Dead letters, senders, questions about identity, emergencies."""
        dead, old = await self._dead()
        questions = await self.services.registry.reviews_of.count("open")
        waiting = await self.services.directory.provisional()
        return (
            TaskCount(N_("待处理的死信"), f"{BASE}/dead-letters", dead, overdue=old),
            TaskCount(N_("待登记的发送方"), f"{BASE}/senders", len(waiting)),
            TaskCount(N_("待判断的身份匹配"), f"{BASE}/matches", questions),
            TaskCount(N_("待复核的紧急访问"), f"{BASE}/accesses", await self.accesses.unreviewed()),
        )

    async def _dead(self) -> tuple[int, int]:
        journal = self.services.journal.collection
        late = {"state": "dead", "received": {"$lt": self.services.clock() - PATIENCE}}
        return await journal.count_documents({"state": "dead"}), await journal.count_documents(late)
