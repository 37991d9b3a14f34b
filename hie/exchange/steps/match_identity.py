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


@dataclass(frozen=True, slots=True)
class MatchIdentity:
    """Adds the Person resources that change to the writes; merges follow the Patients they speak of."""

    filing: Filing

    async def __call__(self, work: Work) -> Work:
        merges = tuple((merge.survivor, merge.subsumed) for merge in work.translation.merges)
        if work.session is None:
            raise TypeError("identity is matched inside a transaction")
        persons = await self.filing.identify(work.writes, session=work.session, source=work.entry.site, merges=merges)
        return replace(work, writes=work.writes + tuple(persons))
