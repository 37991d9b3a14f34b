"""
Reconcile: what each fact makes of the resource that is stored; what changes nothing is not written.

So a replay or a resend leaves every version as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from adapters.facts import Fact
from adapters.recognition import recognized, uncertain
from hie.exchange.work import Reader, Work
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

    store: Reader

    async def __call__(self, work: Work) -> Work:
        facts = work.translation.facts
        if not facts:
            return work
        stored = await self._read(facts, work)
        if asked := doubtful(facts, stored):
            facts = recognized(facts, asked, await self.store.numbered(asked, session=work.session))
            stored |= await self._read([f for f in facts if f"{f.type}/{f.id}" not in stored], work)
        return replace(work, writes=writes(facts, stored), before=stored)

    async def _read(self, facts: Sequence[Fact], work: Work) -> dict[str, Stored]:
        keys = [f"{fact.type}/{fact.id}" for fact in facts]
        return await self.store.read_many(keys, session=work.session) if keys else {}


def writes(facts: Sequence[Fact], stored: Mapping[str, Stored]) -> tuple[Write, ...]:
    """One write a resource, also where several facts of the message turned out to speak of the same one."""
    decided: dict[str, Write] = {}
    for fact in facts:
        key = f"{fact.type}/{fact.id}"
        before = decided.get(key)
        write = decide(fact, stored.get(key)) if before is None else again(fact, before)
        if write is not None:
            decided[key] = write
    return tuple(decided.values())


def again(fact: Fact, before: Write) -> Write:
    """What a second fact makes of what the first one will write."""
    outcome = fact.reconcile(before.resource, fact.resource)
    return before if outcome is None else replace(before, resource=outcome)


def doubtful(facts: Sequence[Fact], stored: Mapping[str, Stored]) -> list[Fact]:
    """The facts that may be stored under an id that another of their numbers gave them."""
    keys = [key for fact in facts if fact.known_by and (key := f"{fact.type}/{fact.id}") in stored]
    return uncertain(facts, {key: stored[key].resource() for key in keys if not stored[key].deleted})
