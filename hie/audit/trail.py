"""
The trail: events are durable before `record` returns, in group commits, each chained to the one before.

https://profiles.ihe.net/ITI/BALP/, IHE ATNA
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pymongo.errors import PyMongoError

from hie.audit.assembly import Event, assemble
from hie.audit.chain import Link, begin, new_shard
from hie.audit.checkpoints import Checkpoints
from hie.audit.events import Entry, Observer
from hie.audit.sharing import SharedKeys
from hie.audit.verify import Verification, verify
from hie.errors import Unavailable
from hie.exchange.database import Client, exchange_database
from hie.exchange.group_commit import GroupCommit
from hie.exchange.ids import Clock, now

CHECKPOINT_EVERY = timedelta(seconds=60)
Document = dict[str, Any]


class AuditTrail:
    """Writes one chain of AuditEvents; every process has its own. Close it with `aclose`."""

    def __init__(
        self,
        client: Client,
        prefix: str,
        *,
        data_dir: Path = Path("var"),
        observer: Observer | None = None,
        clock: Clock = now,
    ) -> None:
        database = exchange_database(client, prefix)
        self._events = database["AuditEvent"]
        self._shared = SharedKeys(database)
        self._checkpoints = Checkpoints(database, data_dir)
        self._observer = observer or Observer()
        self._clock = clock
        self._end: Link = begin(new_shard(clock()))
        self._signed = self._end
        self._signed_at = clock()
        self._commits: GroupCommit[Sequence[Entry], None] = GroupCommit(self._write, weight=len, heaviest=1000)

    async def record(self, entries: Sequence[Entry]) -> None:
        """Write entries down; they are durable when this returns. Unavailable where they could not be written."""
        if entries:
            await self._commits.add(tuple(entries))

    async def checkpoint(self) -> None:
        """Sign where this process's chain stands, where it has grown since the last time."""
        if self._end != self._signed:
            end = self._end
            await self._checkpoints.write(end, self._clock())
            self._signed, self._signed_at = end, self._clock()

    async def aclose(self) -> None:
        """The last checkpoint of this process."""
        await self.checkpoint()

    async def verify(self) -> Verification:
        """Check every chain against itself and the checkpoints; reads the whole trail."""
        return await verify(self._events, self._checkpoints)

    async def _write(self, groups: Sequence[Sequence[Entry]]) -> Sequence[Exception | None]:
        at = _milliseconds(self._clock())
        entries = [entry for group in groups for entry in group]
        end, links, events = self._end, list[Link](), list[Event]()
        for entry in entries:
            event = assemble(entry, end.next_id, at, self._observer)
            links.append(end := end.add(event.text))
            events.append(event)
        try:
            await self._shared.keep(events)
            before = (self._end, *links)
            documents = [self._document(*one, at) for one in zip(entries, events, before, links, strict=False)]
            await self._events.insert_many(documents, ordered=True)
        except PyMongoError as error:
            # Some of them may have been written: this chain ends there, and the next event begins a new one.
            self._end = self._signed = begin(new_shard(at))
            failure = Unavailable("The audit trail cannot be written; nothing is shown without it.")
            failure.__cause__ = error
            return [failure] * len(groups)
        self._end = end
        if at - self._signed_at >= CHECKPOINT_EVERY:
            await self.checkpoint()
        return [None] * len(groups)

    def _document(self, entry: Entry, event: Event, before: Link, link: Link, at: datetime) -> Document:
        return {
            "_id": before.next_id, "v": 1, "t": at, "text": event.text, "d": False, "k": self._shared.keys(event),
            "p": [entry.patient] if entry.patient else [], "l": [], "s": event.sort,
            "c": {"n": link.sequence, "p": before.hash, "h": link.hash},
        }  # fmt: skip


def _milliseconds(at: datetime) -> datetime:
    # What the database keeps, so that text and document say the same moment.
    return at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)
