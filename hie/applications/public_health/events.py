"""
What public health hears from the exchange: diagnoses and results, new, changed or taken back; a repeat changes nothing.

Specification: region-1251 section 6, PUB-02.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from hie.applications.fhir import ZONE
from hie.applications.public_health import use_cases
from hie.applications.public_health.recognition import is_denied
from hie.applications.public_health.rules import triggers_on
from hie.applications.work import Event, Work
from records.errors import Gone, NotFound

TYPES = frozenset({"Condition", "Observation"})
Handler = Callable[[Event], Awaitable[None]]


def consumers(work: Work) -> list[tuple[str, frozenset[str], Handler]]:
    """Name, types and handler of each subscription, for the outbox."""

    async def handle(event: Event) -> None:
        await on_event(work, event)

    return [("public-health.report-cards", TYPES, handle)]


async def on_event(work: Work, event: Event) -> None:
    """A notifiable diagnosis or result drafts a card; one that was taken back or deleted marks it."""
    if event.type not in TYPES:
        return
    reference = f"{event.type}/{event.resource_id}"
    try:
        row = await work.store.read(event.type, event.resource_id)
    except Gone:
        await use_cases.withdraw(work, reference)
        return
    except NotFound:
        return
    resource = row.resource()
    if is_denied(resource, triggers_on(work.clock().astimezone(ZONE).date())) or _is_error(resource.get("status")):
        await use_cases.withdraw(work, reference)
    elif not await use_cases.draft(work, row) and row.version > 1:
        # A result that was corrected, a diagnosis that is another one now: whoever has the card has to know.
        await use_cases.withdraw_changed(work, row)


def _is_error(status: str | None) -> bool:
    return status in ("entered-in-error", "cancelled")
