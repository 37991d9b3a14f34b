"""
Match identity: learn which resident each Patient in the message is.

Runs after terminology mapping, so that gender and identifier systems are ours, and before storage, so that nothing
is filed under a stranger.

https://profiles.ihe.net/ITI/PIXm/
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hie.exchange.filing import Filing
from hie.exchange.work import Work
from records.stored import Json


@dataclass(frozen=True, slots=True)
class MatchIdentity:
    """Adds the Person resources that change to the writes; merges follow the Patients they speak of."""

    filing: Filing

    async def __call__(self, work: Work) -> Work:
        if work.session is None:
            raise TypeError("identity is matched inside a transaction")
        merges = await self._with_earlier(work)
        persons = await self.filing.identify(work.writes, session=work.session, source=work.entry.site, merges=merges)
        return replace(work, writes=work.writes + tuple(persons))

    async def _with_earlier(self, work: Work) -> tuple[tuple[str, str], ...]:
        """The merges of the message, and of a record that replaced others before, those as well: a chain of merges."""
        found = [(merge.survivor, merge.subsumed) for merge in work.translation.merges]
        known = {f"{write.type}/{write.id}": write.resource or {} for write in work.writes}
        seen = {subsumed for _, subsumed in found}
        for survivor, subsumed in found:
            record = known.get(f"Patient/{subsumed}") or await self._record(subsumed, work)
            for earlier in sorted(_replaced(record) - seen - {survivor}):
                seen.add(earlier)
                found.append((survivor, earlier))
        return tuple(found)

    async def _record(self, patient: str, work: Work) -> Json:
        key = f"Patient/{patient}"
        stored = (await self.filing.store.read_many([key], session=work.session)).get(key)
        return stored.resource() if stored is not None and not stored.deleted else {}


def _replaced(record: Json) -> set[str]:
    """Ids of the records that a Patient replaces."""
    links = (link for link in record.get("link", ()) if link.get("type") == "replaces")
    named = (str(link.get("other", {}).get("reference", "")) for link in links)
    return {reference.removeprefix("Patient/") for reference in named if reference}
