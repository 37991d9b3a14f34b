"""
Dead letters: messages that could not finish, with the reason, and the way back.

https://www.enterpriseintegrationpatterns.com/patterns/messaging/DeadLetterChannel.html
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adapters.errors import AdapterError
from hie.errors import HieError
from hie.exchange.inbound import InboundMessage
from hie.exchange.journal import Journal
from hie.exchange.replaying import REPLAYABLE, Replaying, Selection, selected
from records.errors import RecordError

__all__ = ["REPLAYABLE", "DeadLetters", "fault_of", "reason_of"]
LONGEST = 500


def reason_of(error: Exception) -> str:
    """Why a message is dead, without a word of its content; for a bug of ours only the exception's type."""
    match error:
        case RecordError() if error.issues:
            places = dict.fromkeys(f"{issue.expression}: {issue.code}" for issue in error.issues)
            return f"{error.text} {'; '.join(places)}"[:LONGEST]
        case AdapterError():
            return f"{error.text} {error.location}".strip()[:LONGEST]
        case HieError() | RecordError():
            return error.text[:LONGEST]
        case _:
            return f"Unexpected {type(error).__name__}"


def fault_of(error: Exception) -> AdapterError:
    """The same for the sender: where, and which condition, as far as the adapter knows it."""
    return error if isinstance(error, AdapterError) else AdapterError(reason_of(error))


class DeadLetters:
    """What the administration desk and `hie replay` do with them."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def find(
        self, *, site: str | None = None, before: str | None = None, limit: int = 50
    ) -> list[InboundMessage]:
        """Dead messages, newest first, each with its reason."""
        return await self._journal.search(state="dead", site=site, before=before, limit=limit)

    async def replay(self, message_ids: Sequence[str], *, by: str) -> int:
        """Process these again, dead or done; returns how many."""
        return await Replaying(self._journal).run(selected(message_ids), by=by) if message_ids else 0

    async def replay_dead(self, *, by: str, site: str | None = None) -> int:
        """Process every dead message again, or those of a site."""
        return await Replaying(self._journal).run(Selection(states=("dead",), site=site or ""), by=by)

    async def replay_received(self, since: datetime | None, until: datetime | None, *, by: str) -> int:
        """Process everything received in a span of time again: after a better mapping, or a restored store."""
        return await Replaying(self._journal).run(Selection(since=since, until=until), by=by)
