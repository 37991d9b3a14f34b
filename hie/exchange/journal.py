"""
The journal: every message as it came, durable before it is acknowledged, and the state of its processing.

HL7 v2 chapter 2.9.2 (an accept acknowledgement commits the receiver); OpenHIM's transaction log.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from bson import ObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError, PyMongoError

from adapters.errors import AdapterError
from hie.exchange.answering import Answering
from hie.exchange.bodies import INLINE_BYTES, Bodies
from hie.exchange.database import Client, durably, exchange_database
from hie.exchange.entries import Document, to_document, to_message
from hie.exchange.group_commit import GroupCommit
from hie.exchange.ids import Clock, Ids, now
from hie.exchange.inbound import Channel, InboundMessage, State
from hie.exchange.journal_reading import JournalReading
from hie.exchange.outcomes import Outcome
from records.transactions import DUPLICATE

_log = structlog.get_logger("hie.journal")
REUSED = "MSH-10 was used before by this sender, for another message"

INDEXES = [
    IndexModel([("key", ASCENDING)], unique=True),
    IndexModel([("name", ASCENDING), ("key", ASCENDING)]),
    IndexModel([("state", ASCENDING), ("lane", ASCENDING), ("_id", ASCENDING)]),
    IndexModel([("also", ASCENDING), ("state", ASCENDING)], partialFilterExpression={"also": {"$exists": True}}),
    IndexModel([("state", ASCENDING), ("_id", DESCENDING)]),
    IndexModel([("site", ASCENDING), ("state", ASCENDING), ("_id", DESCENDING)]),
    IndexModel([("type", ASCENDING), ("_id", DESCENDING)]),
    IndexModel([("control", ASCENDING), ("_id", DESCENDING)]),
    IndexModel([("received", ASCENDING)]),
    IndexModel([("unmapped_state", ASCENDING)], partialFilterExpression={"unmapped_state": 1}),
]


@dataclass(frozen=True, slots=True)
class Kept:
    """
    What became of a message that was handed to the journal.

    `answer` is what the sender is told: for a resend, the first answer again. `first` is False for a resend.
    """

    id: str
    answer: bytes
    first: bool = True


class Journal(JournalReading):
    """Appends, changes of state; reading is in JournalReading."""

    def __init__(
        self, client: Client, prefix: str, *, clock: Clock = now, answering: Answering | None = None
    ) -> None:  # fmt: skip
        database = exchange_database(client, prefix)
        self._answering = answering
        super().__init__(database["journal"], Bodies(database), clock)
        self._ids = Ids(clock)
        self._writer: GroupCommit[Document, Kept] = GroupCommit(self._insert, weight=lambda d: len(d["raw"] or b""))

    async def ensure_indexes(self) -> None:
        """Create what is missing; changes nothing otherwise."""
        await self.collection.create_indexes(INDEXES)

    def now(self) -> datetime:
        """The journal's clock."""
        return self._clock()

    def next_id(self) -> str:
        """An id for a message that is coming in now."""
        return self._ids.next()

    async def append(self, message: InboundMessage, answer: bytes) -> Kept:
        """Make a message durable; a resend (same sender, MSH-10 and bytes) makes no second entry."""
        document = to_document(message, answer)
        if len(message.raw) > INLINE_BYTES:
            document["file"] = await self._bodies.put(message.id, message.raw)
            document["raw"] = None
        return await self._writer.add(document)

    async def body(self, message: InboundMessage) -> ObjectId | None:
        """Put a large body where the entry will name it; None where the entry holds it itself."""
        large = len(message.raw) > INLINE_BYTES
        return await self._bodies.put(message.id, message.raw) if large else None

    async def append_within(
        self, message: InboundMessage, answer: bytes, body: ObjectId | None, session: AsyncClientSession
    ) -> None:
        """Make a message durable in the transaction of its effects, where those come before the answer."""
        document = to_document(message, answer)
        await self.collection.insert_one(document | ({"raw": None, "file": body} if body else {}), session=session)

    async def keep_rejected(self, *, channel: Channel, raw: bytes, reason: str, sender: str = "") -> None:
        """
        Keep what was refused before it became a message, e.g. a FHIR body; the refusal is answered all the same.

        Where the database is away nothing can be kept, and the answer must not get lost over it.
        """
        message = InboundMessage(
            self.next_id(), channel, self._clock(), raw, state="rejected", sender=sender, reason=reason
        )
        try:
            await self.append(message, b"")
        except PyMongoError as error:
            _log.warning("refused content not kept", channel=channel, error=type(error).__name__)

    async def _insert(self, documents: Sequence[Document]) -> list[Kept | Exception]:
        await self._remark_reuse(documents)
        try:
            await self.collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            return await self._outcomes(documents, error.details or {})
        return [Kept(document["_id"], document["answer"]) for document in documents]

    async def _remark_reuse(self, documents: Sequence[Document]) -> None:
        """A counter that started anew, or a sender that forgot to count: processed, and said so."""
        used: dict[str, set[str]] = {d["name"]: set() for d in documents if d["control"]}
        async for known in self.collection.find({"name": {"$in": list(used)}}, {"_id": 0, "name": 1, "key": 1}):
            used[known["name"]].add(known["key"].lstrip("!"))
        for document in documents:
            if used.get(document["name"], set()) - {document["key"].lstrip("!")}:
                document["remarks"].append(REUSED)

    async def _outcomes(self, documents: Sequence[Document], details: Mapping[str, Any]) -> list[Kept | Exception]:
        errors = {error["index"]: error for error in details.get("writeErrors", ())}
        others = [error for error in errors.values() if error["code"] != DUPLICATE]
        if others or details.get("writeConcernErrors"):
            raise BulkWriteError(dict(details))
        keys = [documents[index]["key"] for index in errors]
        found = self.collection.find({"key": {"$in": keys}}, {"key": 1, "answer": 1})
        first = {document["key"]: document async for document in found}
        return [
            Kept(first[d["key"]]["_id"], bytes(first[d["key"]]["answer"]), first=False)
            if index in errors
            else Kept(d["_id"], d["answer"])
            for index, d in enumerate(documents)
        ]

    async def conclude(
        self,
        message: InboundMessage,
        state: State,
        *,
        reason: str = "",
        remarks: Sequence[str] = (),
        unmapped: Sequence[Mapping[str, str]] = (),
        error: AdapterError | None = None,
        session: AsyncClientSession | None = None,
    ) -> bool:
        """
        Write the outcome of processing, in the transaction of its effects.

        Returns False where the message was no longer pending: another worker came first, and nothing may be stored.
        """
        outcome = Outcome(message, state, reason, remarks, unmapped, error)
        return await self.conclude_all([outcome], session=session)

    async def conclude_all(self, outcomes: Sequence[Outcome], *, session: AsyncClientSession | None = None) -> bool:
        """
        The same for several messages; False where one of them was no longer pending.

        What a sender is to be told of an outcome is written with it.
        """
        answering = self._answering
        if answering is None or not any(one.may_be_told for one in outcomes):
            return await self._conclude(outcomes, session)
        outcomes, answers = await answering.prepare(outcomes)
        if not answers:
            return await self._conclude(outcomes, session)

        async def both(own: AsyncClientSession) -> bool:
            done = await self._conclude(outcomes, own)
            if done:
                await answering.queue(answers, session=own)
            return done

        return await both(session) if session is not None else await durably(self.collection.database.client, both)

    async def _conclude(self, outcomes: Sequence[Outcome], session: AsyncClientSession | None) -> bool:
        done = await self.collection.bulk_write([one.change(self._clock()) for one in outcomes], session=session)
        return done.matched_count == len(outcomes)

    async def tried(self, message: InboundMessage, reason: str) -> InboundMessage:
        """Count an attempt that failed for a passing reason."""
        await self.collection.update_one(
            {"_id": message.id, "state": "pending"}, {"$set": {"reason": reason}, "$inc": {"attempts": 1}}
        )
        return replace(message, attempts=message.attempts + 1)

    async def release(self, query: Mapping[str, Any], *, by: str, changes: Mapping[str, Any] | None = None) -> int:
        """
        Back to pending, at their old place in their lanes; attempts are kept, and who asked. Returns how many.

        What was pruned stays what it is. Many at once, or in another number of lanes: see `replaying`.
        """
        done = await self.collection.update_many(
            {**query, "pruned": {"$exists": False}},
            {
                "$set": {"state": "pending", **(changes or {})},
                "$push": {"released": {"by": by, "at": self._clock()}},
            },
        )
        return done.modified_count

    async def pending_in(
        self, lanes: Sequence[int], limit: int, *, without: Collection[str] = ()
    ) -> list[InboundMessage]:
        """The oldest pending messages of these lanes, in order, with their bytes; none of the sites `without`."""
        query = {"state": "pending", "lane": {"$in": list(lanes)}, **_but(without)}
        found = self.collection.find(query).sort("_id", 1).limit(limit)
        return [await self._with_body(document) async for document in found]

    async def _with_body(self, document: Document) -> InboundMessage:
        if document.get("file") is not None:
            document = {**document, "raw": await self._bodies.get(document["file"])}
        return to_message(document)

    async def open_merges(self, *, without: Collection[str] = ()) -> list[tuple[str, int, int]]:
        """Pending messages that concern two lanes: id, lane, other lane; oldest first."""
        found = self.collection.find(
            {"also": {"$exists": True}, "state": "pending", **_but(without)}, {"lane": 1, "also": 1}
        ).sort("_id", 1)  # fmt: skip
        return [(document["_id"], document["lane"], document["also"]) async for document in found]

    async def has_older(self, lane: int, message_id: str, *, without: Collection[str] = ()) -> bool:
        """True while something older than that message is pending in a lane."""
        older = {"state": "pending", "lane": lane, "_id": {"$lt": message_id}, **_but(without)}
        return await self.collection.find_one(older, {"_id": 1}) is not None


def _but(sites: Collection[str]) -> dict[str, Any]:
    """A filter that leaves out the messages of some sites."""
    return {"site": {"$nin": sorted(sites)}} if sites else {}


def since_until(since: datetime | None, until: datetime | None) -> dict[str, Any]:
    """A filter by time of reception."""
    span = {operator: at for operator, at in (("$gte", since), ("$lt", until)) if at}
    return {"received": span} if span else {}
