"""
The status of a Subscription, written into the resource for everybody to read, together with what the engine knows.

https://hl7.org/fhir/R4/subscription.html#status
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pymongo.asynchronous.client_session import AsyncClientSession

from hie.exchange.filing import Filing
from hie.fhir.subscriptions.registry import Entry, Registry, State
from records.errors import Conflict, Gone, NotFound
from records.resource_store import ResourceStore
from records.stored import Write

SOURCE = "urn:hie:subscriptions"


@dataclass(frozen=True, slots=True)
class Statuses:
    """Collaborators of a change of status."""

    store: ResourceStore
    filing: Filing
    registry: Registry

    async def become(self, entry: Entry, state: State, reason: str = "") -> Entry | None:
        """The entry with its new status; None where somebody wrote the Subscription meanwhile."""
        try:
            return await self.store.in_transaction(lambda session: self._write(entry, state, reason, session))
        except Conflict:
            return None
        except (NotFound, Gone):
            # Deleted on a way that the engine did not hear of.
            await self.registry.remove(entry.id)
            return None

    async def _write(self, entry: Entry, state: State, reason: str, session: AsyncClientSession) -> Entry | None:
        row = await self.store.read("Subscription", entry.id, session=session)
        if row.version != entry.version:
            return None
        resource = {name: value for name, value in row.resource().items() if name != "error"}
        resource |= {"status": state} | ({"error": reason} if reason else {})
        write = Write("update", "Subscription", entry.id, resource, if_version=row.version)
        stored = (await self.filing.file([write], session=session, source=SOURCE))[0]
        live = state == "active" or (entry.live and state != "off")
        changed = {"state": state, "live": live, "version": stored.version, "text": stored.text, "reason": reason}
        query = {"_id": entry.id, "queue": entry.queue, "version": row.version}
        await self.registry.entries.update_one(query, {"$set": changed}, session=session)
        return replace(entry, state=state, live=live, version=stored.version, text=stored.text, reason=reason)
