"""
Notify: put an event for each change into the outbox, in the same transaction.

https://hl7.org/fhir/R4/subscription.html
"""

from __future__ import annotations

from dataclasses import dataclass

from hie.exchange.outbox import Outbox
from hie.exchange.work import Work


@dataclass(frozen=True, slots=True)
class Notify:
    """Only types somebody subscribed to make an event."""

    outbox: Outbox

    async def __call__(self, work: Work) -> Work:
        if work.session is not None:
            await self.outbox.publish(work.stored, work.writes, session=work.session)
        return work
