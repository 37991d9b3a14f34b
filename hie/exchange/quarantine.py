"""
Quarantine: messages of senders nobody registered wait in the journal, and go on once the sender is known.

IHE mCSD: a sender resolves to exactly one registry record.
"""

from __future__ import annotations

from typing import Any

from hie.directory.sites import Directory
from hie.exchange.journal import Journal
from hie.exchange.replaying import Replaying, Selection


class Quarantine:
    """Looks whether somebody who waits was registered meanwhile, by whatever way."""

    def __init__(self, journal: Journal, directory: Directory) -> None:
        self._journal = journal
        self._directory = directory

    async def senders(self) -> dict[str, int]:
        """Who waits, and how many messages each."""
        steps: list[dict[str, Any]] = [
            {"$match": {"state": "quarantined"}},
            {"$group": {"_id": "$sender", "n": {"$sum": 1}}},
        ]
        return {row["_id"]: row["n"] async for row in await self._journal.collection.aggregate(steps)}

    async def release_known(self, *, by: str = "directory") -> int:
        """Put the messages of every sender that is known by now into their lanes; returns how many."""
        released = 0
        for sender in await self.senders():
            site = await self._directory.site_for(sender)
            if site is not None:
                waiting = Selection(states=("quarantined",), sender=sender)
                released += await Replaying(self._journal).run(waiting, by=by, changes={"site": site.id})
        return released
