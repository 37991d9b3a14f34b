"""
The hash chain: each event's hash covers the event before it, so that a changed, removed or moved one shows; pure.

https://www.rfc-editor.org/rfc/rfc9162#section-1 tells the idea; one chain a writer process keeps writers apart.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

_ID = re.compile(r"^(?P<shard>\d{14}-[0-9a-f]{8})-(?P<sequence>\d{10})$")


@dataclass(frozen=True, slots=True)
class Link:
    """The end of a chain: how many events it has and the hash of the last."""

    shard: str
    sequence: int
    hash: bytes

    @property
    def next_id(self) -> str:
        """The id of the event that comes next."""
        return event_id(self.shard, self.sequence + 1)

    def add(self, text: bytes) -> Link:
        """The chain with one more event."""
        sequence = self.sequence + 1
        head = f"{self.shard} {sequence} ".encode("ascii")
        return Link(self.shard, sequence, hashlib.sha256(self.hash + head + text).digest())


def new_shard(at: datetime) -> str:
    """A name for a new chain; it sorts by time and no other process has it."""
    return f"{at.astimezone(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(4)}"


def begin(shard: str) -> Link:
    """The empty chain of a shard."""
    return Link(shard, 0, hashlib.sha256(shard.encode("ascii")).digest())


def event_id(shard: str, sequence: int) -> str:
    """Logical id of the event at a place of a chain; ids sort in the order of the chain."""
    return f"{shard}-{sequence:010d}"


def place(event: str) -> tuple[str, int] | None:
    """Shard and sequence of an id; None for an id that no chain made."""
    found = _ID.match(event)
    return (found["shard"], int(found["sequence"])) if found else None
