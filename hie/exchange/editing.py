"""
A dead letter in other words: a new entry that names the old one; the old one stays as it came, and is closed.

Who, when and why is kept in `corrections` and with the old entry. The sender is not changed: nobody speaks for another.
https://www.enterpriseintegrationpatterns.com/patterns/messaging/InvalidMessageChannel.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pymongo.asynchronous.client_session import AsyncClientSession

from adapters.errors import AdapterError
from adapters.hl7v2 import acceptance, parser
from adapters.hl7v2.header import Header
from hie.directory.sites import Directory
from hie.errors import Unprocessable
from hie.exchange.database import durably
from hie.exchange.entries import dedupe_key, to_document
from hie.exchange.inbound import InboundMessage
from hie.exchange.journal import Journal
from hie.exchange.lane_count import lane_count
from hie.exchange.lanes import lanes_of

CLOSED = "Closed by a person: {why}"


@dataclass(frozen=True, slots=True)
class Editing:
    """What a person does with single dead letters."""

    journal: Journal
    directory: Directory

    async def replace(self, message_id: str, raw: bytes, *, by: str, why: str) -> str:
        """
        Put `raw` in the place of a dead letter; returns the id of the new entry. The same again changes nothing.

        Raises Unprocessable where there is no such dead letter, or the text would be refused.
        """
        old = await self.journal.get(message_id)
        if old is None:
            raise Unprocessable("There is no such message.")
        _said(by, why)
        entry = await self._entry(old, raw)
        known = await self.journal.collection.find_one({"key": dedupe_key(entry)}, {"replaces": 1})
        if known is not None:
            if known.get("replaces") == old.id:
                return str(known["_id"])
            raise Unprocessable("The journal holds exactly this message already: replay it instead.")
        await self._put(old, entry, by, why)
        return entry.id

    async def close(self, message_ids: Sequence[str], *, by: str, why: str) -> int:
        """Dead letters that nobody will replay: set aside with the reason; returns how many."""
        _said(by, why)
        done = await self.journal.collection.update_many(
            {"_id": {"$in": list(message_ids)}, "state": "dead"},
            {"$set": {
                "state": "rejected", "closed": {"by": by, "at": self.journal.now(), "why": why},
                "reason": CLOSED.format(why=why),
            }},
        )  # fmt: skip
        return done.modified_count

    async def _entry(self, old: InboundMessage, raw: bytes) -> InboundMessage:
        try:
            header = parser.read_header(raw)
            await self._check(old, header, raw)
        except AdapterError as error:
            raise Unprocessable(f"{error.text} {error.location}".strip()) from error
        lanes = await lane_count(self.journal.collection.database) or old.lanes
        entry = in_place_of(old, raw, header, lanes, f"In place of {old.id}, by a person.")
        return replace(entry, id=self.journal.next_id(), received=self.journal.now())

    async def _check(self, old: InboundMessage, header: Header, raw: bytes) -> None:
        if header.sender not in (old.sender, "|"):
            raise Unprocessable("A correction is of the same sender.")
        site = await self.directory.site_for(old.sender)
        if site is None:
            raise Unprocessable("The sender is not in the directory.")
        acceptance.check(header, site)
        parser.parse(raw, site=old.read_by(site))

    async def _put(self, old: InboundMessage, entry: InboundMessage, by: str, why: str) -> None:
        """The new entry, the trail and the end of the old one, all or nothing."""
        body = await self.journal.body(entry)
        at = self.journal.now()
        collection = self.journal.collection
        said = {"by": by, "at": at, "reason": why}
        closed = {"by": by, "at": at, "why": why, "replaced_by": entry.id}

        async def put(session: AsyncClientSession) -> None:
            change = {"state": "rejected", "closed": closed, "reason": f"Replaced by {entry.id}: {why}"}
            done = await collection.update_one({"_id": old.id, "state": "dead"}, {"$set": change}, session=session)
            if done.modified_count == 0:
                raise Unprocessable("Only a dead letter can be replaced.")
            document = to_document(entry, b"") | ({"raw": None, "file": body} if body else {})
            await collection.insert_one(document, session=session)
            corrections = collection.database["corrections"]
            await corrections.insert_one({"_id": entry.id, "old": old.id, **said}, session=session)

        await durably(collection.database.client, put)


def in_place_of(old: InboundMessage, raw: bytes, header: Header, lanes: int, remark: str) -> InboundMessage:
    """The entry of other words for an old message, as the intake makes it: its lane is that of who is named now."""
    lane, other = lanes_of(header, old.sender, lanes) if lanes else (old.lane, old.other_lane)
    return replace(
        old, raw=raw, state="pending", attempts=0, reason="", control_id=header.control_id, type=header.type,
        charset=header.charset, lane=lane, other_lane=other, lanes=lanes, size=len(raw), replaces=old.id,
        acknowledgement="", remarks=(remark,),
    )  # fmt: skip


def _said(by: str, why: str) -> None:
    if not by.strip() or not why.strip():
        raise Unprocessable("Who does it and why has to be said.")
