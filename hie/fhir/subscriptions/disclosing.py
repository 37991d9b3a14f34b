"""
What of an event may be told now, and the trail of it: decided again before each sending, written down before it leaves.

https://profiles.ihe.net/ITI/BALP/
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hie.access.caller import Caller
from hie.access.gate import Gate
from hie.audit.events import Entry as AuditEntry
from hie.audit.trail import AuditTrail
from hie.errors import Refused
from hie.fhir.subscriptions.notices import Told
from hie.fhir.subscriptions.terms import Terms
from records.errors import Gone, NotFound
from records.resource_store import ResourceStore
from records.stored import Stored, Visibility

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Collaborators of every telling."""

    store: ResourceStore
    gate: Gate
    audit: AuditTrail

    async def told(self, caller: Caller, terms: Terms, event: Document) -> Told:
        """The event with what may be shown of it; its number is 0 where it has none yet."""
        row = await self._row(caller, event)
        context = await self._context(caller, terms, row) if row is not None and terms.content != "empty" else ()
        return Told(event["n"] or 0, event["at"], row, context)

    async def _row(self, caller: Caller, event: Document) -> Stored | None:
        try:
            visibility = await self.gate.visibility(caller, event["type"], "search")
            if event["interaction"] == "delete":
                return await self._deleted(visibility, event)
            return await self.store.vread(event["type"], event["resource"], event["version"], visibility=visibility)
        except (Refused, NotFound, Gone):
            return None

    async def _deleted(self, visibility: Visibility, event: Document) -> Stored | None:
        reference = f"{event['type']}/{event['resource']}"
        return (await self.store.read_many([reference], visibility=visibility)).get(reference)

    async def _context(self, caller: Caller, terms: Terms, row: Stored) -> tuple[Stored, ...]:
        """What the topic shows beside the resource, where it is still the current version."""
        includes = [("_include", one) for one in (terms.topic.includes if terms.topic else ())]
        includes = [pair for pair in includes if pair[1].startswith(f"{row.type}:")]
        if not includes or row.deleted:
            return ()
        visibility = await self.gate.visibility(caller, row.type, "search")
        page = await self.store.search(row.type, (("_id", row.id), *includes), visibility=visibility)
        return page.included

    async def record(self, caller: Caller, told: Iterable[Told], subscription: str, address: str) -> None:
        """One line of the trail for each resource and patient; Unavailable where it cannot be written."""
        await self.audit.record(
            [
                AuditEntry(
                    "notification", caller, row.type, row.id, row.version, patient, address=address,
                    request_id=f"Subscription/{subscription}/{one.number}",
                )
                for one in told
                for row in one.rows
                for patient in row.patients or ("",)
            ]
        )  # fmt: skip


def visible(told: Sequence[Told]) -> bool:
    """Whether anything is shown at all."""
    return any(one.row is not None for one in told)
