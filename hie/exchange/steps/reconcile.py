"""
Reconcile: what each fact makes of the resource that is stored; what changes nothing is not written.

So a replay or a resend leaves every version as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from adapters.facts import Fact
from hie.exchange.work import Work
from records.resource_store import ResourceStore
from records.stored import Interaction, Json, Stored, Write

_sorted = msgspec.json.Encoder(decimal_format="number", order="sorted")
# Given by the store, or telling who spoke last: no content of their own.
_BOOKKEEPING = frozenset({"versionId", "lastUpdated", "source"})


def content(resource: Json) -> bytes:
    """What a resource says, without the store's own bookkeeping."""
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in _BOOKKEEPING}
    plain = {name: value for name, value in resource.items() if name != "meta"}
    return _sorted.encode(plain | ({"meta": meta} if meta else {}))


def decide(fact: Fact, stored: Stored | None) -> Write | None:
    """The write that a fact asks for, None where nothing changes."""
    current = stored.resource() if stored is not None and not stored.deleted else None
    outcome = fact.reconcile(current, fact.resource)
    if outcome is None or (current is not None and content(outcome) == content(current)):
        return None
    version = stored.version if stored is not None else 0
    source = outcome.get("meta", {}).get("source")
    interaction: Interaction = "create" if stored is None else "update"
    return Write(interaction, fact.type, fact.id, resource=outcome, if_version=version, source=source)


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Read every resource that the message speaks of, once, inside the transaction."""

    store: ResourceStore

    async def __call__(self, work: Work) -> Work:
        facts = work.translation.facts
        if not facts:
            return work
        stored = await self.store.read_many([f"{f.type}/{f.id}" for f in facts], session=work.session)
        writes = (decide(fact, stored.get(f"{fact.type}/{fact.id}")) for fact in facts)
        return replace(work, writes=tuple(write for write in writes if write is not None))
