"""
What the referral desk hears: proposals to refer, which become drafts; and the clock, which ends what nobody used.

Specification: region-1251 section 4, REG-01.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from hie.applications.fhir import patient_of
from hie.applications.regional_medical import use_cases
from hie.applications.regional_medical.referral import is_proposal
from hie.applications.work import Event, Work
from records.errors import Gone, NotFound

TYPES = frozenset({"ServiceRequest", "Task"})
SWEEP = timedelta(minutes=1)
Handler = Callable[[Event], Awaitable[None]]


def consumers(work: Work) -> list[tuple[str, frozenset[str], Handler]]:
    """Name, types and handler of each subscription, for the outbox."""
    swept: list[datetime] = []

    async def handle(event: Event) -> None:
        await on_event(work, event)
        # Any traffic moves the clock on, at most once a minute.
        if not swept or work.clock() - swept[-1] >= SWEEP:
            swept[:] = [work.clock()]
            await housekeeping(work)

    return [("regional-medical.referrals", TYPES, handle)]


async def on_event(work: Work, event: Event) -> None:
    """A proposal to refer becomes a draft, once."""
    if event.type != "ServiceRequest":
        return
    try:
        request = (await work.store.read("ServiceRequest", event.resource_id)).resource()
    except (NotFound, Gone):
        return
    if is_proposal(request) and patient_of(request):
        await use_cases.take_up(work, request)


async def housekeeping(work: Work) -> None:
    """What time alone changes; safe to call at any moment, from any process."""
    await use_cases.expire(work)
