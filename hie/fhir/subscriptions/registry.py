"""
The Subscriptions as the engine keeps them, beside the resources, and the queue of each: one document an event.

An event gets its number when it is about to be told, so that one which may not be told leaves no gap.
https://hl7.org/fhir/R4/subscription.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from pymongo import ASCENDING, IndexModel, ReturnDocument, UpdateOne, WriteConcern
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from hie.exchange.database import Client, exchange_database, later
from hie.exchange.ids import Clock, Ids, now
from hie.exchange.outbox import Event
from hie.fhir.subscriptions.terms import Terms, read_terms, unmasked
from records.stored import Stored, decode

Document = dict[str, Any]
State = Literal["requested", "active", "error", "off", "deleted"]
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
KEPT = timedelta(days=7)
SKEW = timedelta(minutes=5)
# Nothing rests for longer than this without being looked at.
REST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One Subscription: `live` says that its events are queued, `number` how many were told of, `woken` counts calls.

    `clock` is the database's time when it was claimed; before `settles` it is not yet known to every process.
    """

    id: str
    queue: str
    version: int
    state: State
    live: bool
    text: bytes
    headers: tuple[str, ...]
    caller: Mapping[str, Any]
    registered: datetime
    number: int = 0
    failures: int = 0
    refusals: int = 0
    reason: str = ""
    woken: int = 0
    spoke: datetime | None = None
    clock: datetime = NEVER
    settles: datetime = NEVER
    dropped: tuple[str, ...] = ()

    @property
    def terms(self) -> Terms:
        """What it asks for; Invalid where the resource can no longer be honoured."""
        return _terms(self.text, self.headers)


@lru_cache(maxsize=4096)
def _terms(text: bytes, headers: tuple[str, ...]) -> Terms:
    return read_terms(unmasked(decode(text), headers))


class Registry:
    """Collections `subscriptions`, `subscription_events`, `_numbers` and `_tokens` of the exchange."""

    def __init__(self, client: Client, prefix: str, *, clock: Clock = now, kept: timedelta = KEPT) -> None:
        database = exchange_database(client, prefix)
        self.entries = database["subscriptions"]
        # Leases and wake-ups: what is lost of them in a crash of the database comes again by itself.
        self._quick = self.entries.with_options(write_concern=WriteConcern(w=1))
        self.events = database["subscription_events"]
        # Apart from the entries, which are woken all the time: a number is given in a transaction.
        self.numbers = database["subscription_numbers"]
        self.tokens = database["subscription_tokens"]
        self.kept = kept
        self.clock = clock
        self._ids = Ids(clock)

    async def ensure_indexes(self) -> None:
        """Create what is missing."""
        await self.entries.create_indexes(
            [IndexModel([("due", ASCENDING)]), IndexModel([("live", ASCENDING), ("types", ASCENDING)])]
        )
        await self.events.create_indexes(
            [
                IndexModel([("queue", ASCENDING), ("state", ASCENDING), ("_id", ASCENDING)]),
                IndexModel([("queue", ASCENDING), ("n", ASCENDING)]),
                IndexModel([("expires", ASCENDING)], expireAfterSeconds=0),
            ]
        )
        await self.tokens.create_index([("expires", ASCENDING)], expireAfterSeconds=0)

    # Subscriptions

    async def find(self, subscription: str) -> Entry | None:
        """One Subscription that is not deleted."""
        found = await self.entries.find_one({"_id": subscription, "state": {"$ne": "deleted"}})
        return to_entry(found) if found else None

    async def count_of(self, caller: Mapping[str, Any]) -> int:
        """How many a subscriber has."""
        asked = {"caller.subject": caller["subject"], "caller.client": caller["client"], "state": {"$ne": "deleted"}}
        return await self.entries.count_documents(asked)

    async def register(
        self, row: Stored, headers: Sequence[str], caller: Mapping[str, Any], *, session: AsyncClientSession
    ) -> None:
        """Keep a Subscription as a client wrote it, in the transaction that stores it."""
        before = await self.entries.find_one({"_id": row.id}, session=session)
        terms = _terms(row.text, tuple(headers))
        wanted = decode(row.text)["status"] != "off"
        fresh: Document = {
            "_id": row.id, "version": row.version, "state": "requested" if wanted else "off", "text": row.text,
            "headers": list(headers), "caller": dict(caller), "types": terms.types, "channel": terms.channel,
            "settles": None, "failures": 0, "refusals": 0, "reason": "", "due": self.clock(),
        }  # fmt: skip
        begun: Document = {
            "queue": self._ids.next(), "registered": self.clock(), "number": 0, "emitted": 0, "woken": 0, "live": False,
            "spoke": None, "dropped": [], "owner": None, "until": None,
        }  # fmt: skip
        if before is not None and before["state"] == "deleted":
            begun["dropped"] = [*before["dropped"], before["queue"]]
            before = None
        # Of one that goes on, the queue goes on too: what happens while it is asked for anew is not lost.
        kept = {name: (before or begun)[name] for name in begun}
        kept["woken"] += 1
        kept["live"] = kept["live"] and wanted
        await self.entries.replace_one({"_id": row.id}, {**kept, **fresh}, upsert=True, session=session)

    async def remove(self, subscription: str, *, session: AsyncClientSession | None = None) -> None:
        """Nothing more is told; a worker clears its queue away."""
        gone = {"state": "deleted", "live": False, "due": self.clock(), "headers": [], "text": b""}
        change = {"$set": gone, "$inc": {"woken": 1}}
        await self.entries.update_one({"_id": subscription}, change, session=session)

    async def found(self, query: Document) -> AsyncIterator[Entry]:
        """Those that meet a condition, by id."""
        async for found in self.entries.find(query).sort("_id", 1):
            yield to_entry(found)

    async def listening(self, resource_type: str) -> AsyncIterator[Entry]:
        """Those whose events are queued and that listen to a type."""
        async for found in self.entries.find({"live": True, "types": resource_type}):
            yield to_entry(found)

    # Queues

    async def queue(self, entry: Entry, event: Event) -> None:
        """Add an event to a queue, once, and wake who delivers."""
        document = {
            "_id": f"{entry.queue}/{event.id}", "queue": entry.queue, "event": event.id, "type": event.type,
            "resource": event.resource_id, "version": event.version, "interaction": event.interaction, "at": event.at,
            "state": "waiting", "n": None, "told": False,
        }  # fmt: skip
        try:
            await self.events.insert_one(document)
        except DuplicateKeyError:
            return
        await self.wake(entry.id)

    async def wake(self, subscription: str, *, at_once: bool = False) -> None:
        """There is something to do; one whose receiver fails is not woken before its pause ends, unless `at_once`."""
        soon = {"$min": ["$due", "$$NOW"]}
        due = soon if at_once else {"$cond": [{"$gt": ["$failures", 0]}, "$due", soon]}
        change = [{"$set": {"woken": {"$add": ["$woken", 1]}, "due": due}}]
        await self._quick.update_one({"_id": subscription, "state": {"$ne": "deleted"}}, change)

    async def waiting(self, queue: str, limit: int) -> list[Document]:
        """The next events of a queue, in order."""
        return await self.events.find({"queue": queue, "state": "waiting"}).sort("_id", 1).limit(limit).to_list()

    async def told(self, queue: str, since: int, until: int | None, limit: int) -> list[Document]:
        """Events that have a number, in its order."""
        span = {"$gte": since} | ({"$lte": until} if until is not None else {})
        return await self.events.find({"queue": queue, "n": span}).sort("n", 1).limit(limit).to_list()

    async def counts(self, queue: str) -> dict[str, int]:
        """Events by state."""
        steps: list[Document] = [{"$match": {"queue": queue}}, {"$group": {"_id": "$state", "n": {"$sum": 1}}}]
        return {row["_id"]: row["n"] async for row in await self.events.aggregate(steps)}

    async def again(self, entry: Entry, chosen: Mapping[str, Any]) -> int:
        """Tell of some events once more, under their numbers; returns how many."""
        query = {"queue": entry.queue, "state": {"$in": ["sent", "dead", "posted"]}, **chosen}
        change = {"$set": {"state": "waiting"}, "$unset": {"expires": "", "reason": ""}}
        count = (await self.events.update_many(query, change)).modified_count
        if count:
            await self.wake(entry.id, at_once=True)
        return count

    # Working on one

    async def due(self, limit: int) -> list[str]:
        """Ids of those that nobody works on and whose time has come."""
        free = {"$lte": [{"$ifNull": ["$until", "$$NOW"]}, "$$NOW"]}
        # The index is asked by our own clock, generously; the database's decides.
        soon = {"$lte": self.clock() + SKEW}
        query = {"due": soon, "$expr": {"$and": [{"$lte": ["$due", "$$NOW"]}, free]}}
        return [row["_id"] async for row in self.entries.find(query, {"_id": 1}).sort("due", 1).limit(limit)]

    async def claim(self, subscription: str, owner: str, seconds: float, settling: float) -> Entry | None:
        """Work on one, where it is free or ours; None where somebody else does, or it is gone."""
        free = {"$lte": [{"$ifNull": ["$until", "$$NOW"]}, "$$NOW"]}
        query = {"_id": subscription, "$expr": {"$or": [free, {"$eq": ["$owner", owner]}]}}
        settles = {"$ifNull": ["$settles", later(settling)]}
        change = [{"$set": {"owner": owner, "until": later(seconds), "clock": "$$NOW", "settles": settles}}]
        found = await self._quick.find_one_and_update(query, change, return_document=ReturnDocument.AFTER)
        return to_entry(found) if found else None

    async def change(self, entry: Entry, owner: str, change: Document) -> bool:
        """Note something about one that we work on; False where we do no longer. Values may be expressions."""
        query = {"_id": entry.id, "queue": entry.queue, "owner": owner, "$expr": {"$gt": ["$until", "$$NOW"]}}
        return (await self._quick.update_one(query, [{"$set": change}])).matched_count == 1

    async def extend(self, entry: Entry, owner: str, seconds: float) -> bool:
        """Keep the lease for so long; False where it is no longer ours, or the Subscription was written meanwhile."""
        same = {"_id": entry.id, "queue": entry.queue, "version": entry.version, "owner": owner}
        query = {**same, "state": {"$nin": ["off", "deleted"]}, "$expr": {"$gt": ["$until", "$$NOW"]}}
        return (await self._quick.update_one(query, [{"$set": {"until": later(seconds)}}])).matched_count == 1

    async def postpone(self, subscription: str, owner: str, seconds: float) -> None:
        """Give up one that we work on, for a time."""
        change = {"due": later(seconds), "owner": None, "until": None}
        await self._quick.update_one({"_id": subscription, "owner": owner}, [{"$set": change}])

    async def rest(self, entry: Entry, owner: str, seconds: float | None) -> None:
        """Stop working until a time has passed, or something wakes it; at once where it was woken meanwhile."""
        due = later(min(seconds, REST_SECONDS)) if seconds is not None else later(REST_SECONDS)
        woken = {"$cond": [{"$eq": ["$woken", entry.woken]}, due, "$$NOW"]}
        await self._quick.update_one(
            {"_id": entry.id, "owner": owner}, [{"$set": {"due": woken, "owner": None, "until": None}}]
        )

    async def pause(self, entry: Entry, owner: str, seconds: float, noted: Document) -> None:
        """Stop working for a time, whatever happens meanwhile."""
        change = {**noted, "due": later(seconds), "owner": None, "until": None}
        await self._quick.update_one({"_id": entry.id, "owner": owner}, [{"$set": change}])

    async def leave(self, owner: str) -> None:
        """Let others have everything at once."""
        await self.entries.update_many({"owner": owner}, {"$set": {"owner": None, "until": None}})

    async def number(self, entry: Entry, events: Sequence[Document], owner: str, *, session: AsyncClientSession) -> int:
        """
        Give the events that have none the next numbers, in a transaction; returns the last, -1 where we have lost it.

        Two that try at once write the same counter: one of them starts anew and sees that it is no longer the owner.
        """
        held = await self.entries.find_one({"_id": entry.id, "queue": entry.queue, "owner": owner}, session=session)
        if held is None:
            return -1
        fresh = [event for event in events if event["n"] is None]
        counter = await self.numbers.find_one_and_update(
            {"_id": entry.queue}, {"$inc": {"n": len(fresh)}}, upsert=True, session=session,
            return_document=ReturnDocument.AFTER,
        )  # fmt: skip
        last = int(counter["n"]) if counter else 0
        changes = [
            UpdateOne({"_id": event["_id"]}, {"$set": {"n": last - len(fresh) + place}})
            for place, event in enumerate(fresh, 1)
        ]
        await self.events.bulk_write(changes, session=session)
        return last

    async def mark_told(self, events: Sequence[Document]) -> None:
        """The trail has these: sending them again is no new disclosure."""
        quick = self.events.with_options(write_concern=WriteConcern(w=1))
        await quick.update_many({"_id": {"$in": [one["_id"] for one in events]}}, {"$set": {"told": True}})

    async def settle(self, events: Sequence[Document], state: str, **noted: Any) -> None:
        """Write down what became of events."""
        change = {"state": state, "settled": self.clock(), **noted}
        await self.events.update_many({"_id": {"$in": [one["_id"] for one in events]}}, {"$set": change})

    async def emitted(self, entry: Entry) -> int:
        """The last event that any socket was sent."""
        found = await self.entries.find_one({"_id": entry.id, "queue": entry.queue}, {"emitted": 1})
        return int(found["emitted"]) if found else 0

    async def emit(self, entry: Entry, last: int) -> None:
        """A socket was sent everything up to this event."""
        await self.entries.update_one({"_id": entry.id, "queue": entry.queue}, {"$max": {"emitted": last}})
        sent = {"state": "sent", "settled": self.clock(), "expires": self.clock() + self.kept}
        await self.events.update_many({"queue": entry.queue, "state": "posted", "n": {"$lte": last}}, {"$set": sent})

    async def forget(self, events: Sequence[Document]) -> None:
        """Events that may not be told and that have no number yet."""
        await self.events.delete_many({"_id": {"$in": [one["_id"] for one in events]}, "n": None})

    async def clear(self, entry: Entry) -> None:
        """Take away the queues of what was deleted, and the entry where it was not asked for again."""
        queues = [*entry.dropped, *([entry.queue] if entry.state == "deleted" else [])]
        await self.events.delete_many({"queue": {"$in": queues}})
        await self.numbers.delete_many({"_id": {"$in": queues}})
        if entry.state == "deleted":
            await self.entries.delete_one({"_id": entry.id, "state": "deleted", "queue": entry.queue})
        else:
            await self.entries.update_one({"_id": entry.id, "queue": entry.queue}, {"$set": {"dropped": []}})


def to_entry(found: Mapping[str, Any]) -> Entry:
    """A document as a value."""
    return Entry(
        found["_id"], found["queue"], found["version"], found["state"], found["live"], bytes(found["text"]),
        tuple(found["headers"]), found["caller"], found["registered"], found["number"], found["failures"],
        found["refusals"], found["reason"], found["woken"], found["spoke"], found.get("clock") or NEVER,
        found.get("settles") or NEVER, tuple(found["dropped"]),
    )  # fmt: skip
