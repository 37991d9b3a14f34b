"""
Verification: reads every chain from its beginning and names the first place where something is wrong.

What it finds: a changed event, a missing one, one in another's place, one that no chain made, an index that hides
an event from its resident, a chain shorter than a signed checkpoint says, a checkpoint with a false signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from pymongo.asynchronous.collection import AsyncCollection

from hie.audit.chain import Link, begin, event_id, place
from hie.audit.checkpoints import Checkpoint, Checkpoints
from hie.audit.events import patient_of
from records.stored import decode

Document = dict[str, Any]
FIELDS = {"k": 0, "l": 0, "s": 0}


@dataclass(frozen=True, slots=True)
class Verification:
    """`problem` is empty where all holds; else `where` is the id of the first event (or line) that is wrong."""

    events: int
    chains: int
    checkpoints: int
    problem: str = ""
    where: str = ""

    @property
    def ok(self) -> bool:
        """True where the trail is whole."""
        return not self.problem


@dataclass(slots=True)
class _Reading:
    """What was read so far, and the checkpoints that still wait for their event."""

    waiting: dict[tuple[str, int], bytes]
    events: int = 0
    chains: int = 0
    end: Link | None = field(default=None)

    def expected(self, shard: str) -> Link:
        if self.end is None or self.end.shard != shard:
            self.chains += 1
            return begin(shard)
        return self.end


async def verify(events: AsyncCollection[Document], checkpoints: Checkpoints) -> Verification:
    """Read all; costs one pass over the collection in the order of its ids."""
    signed, broken = await checkpoints.read()
    if broken:
        return Verification(0, 0, len(signed), "checkpoint-signature", broken[0])
    reading = _Reading({(one.link.shard, one.link.sequence): one.link.hash for one in signed})
    async for document in events.find({}, FIELDS).sort("_id", 1):
        if wrong := _next(reading, document):
            return _result(reading, signed, *wrong)
    return _result(reading, signed, *_left(reading))


def _next(reading: _Reading, document: Document) -> tuple[str, str] | None:
    where = str(document["_id"])
    found = place(where)
    if found is None:
        return "foreign", where
    shard, sequence = found
    before = reading.expected(shard)
    if sequence != before.sequence + 1:
        return "missing", event_id(shard, before.sequence + 1)
    text = bytes(document["text"])
    after = before.add(text)
    if problem := _compare(document, text, before, after):
        return problem, where
    if (stated := reading.waiting.pop(found, None)) is not None and stated != after.hash:
        return "rewritten", where
    reading.end = after
    reading.events += 1
    return None


def _compare(document: Document, text: bytes, before: Link, after: Link) -> str:
    chained = document.get("c", {})
    if chained.get("n") != after.sequence:
        return "reordered"
    if bytes(chained.get("p", b"")) != before.hash or bytes(chained.get("h", b"")) != after.hash:
        return "changed"
    try:
        resource = decode(text)
    except msgspec.DecodeError:
        return "changed"
    if resource.get("id") != document["_id"]:
        return "reordered"
    patient = patient_of(resource)
    # The resident finds the event through `p`: emptied, it would be hidden though its text is whole.
    shown = document.get("p") == ([patient] if patient else []) and document.get("d") is False
    return "" if shown else "hidden"


def _left(reading: _Reading) -> tuple[str, str]:
    if not reading.waiting:
        return "", ""
    shard, sequence = min(reading.waiting)
    return "missing", event_id(shard, sequence)


def _result(reading: _Reading, signed: Sequence[Checkpoint], problem: str, where: str) -> Verification:
    return Verification(reading.events, reading.chains, len(signed), problem, where)
