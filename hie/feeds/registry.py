"""
The feeds, and the queue of each: one document a message, ordered by event, kept apart in lanes that may not overtake.

Collections `feeds`, `feed_messages`, `feed_lanes`, `feed_slots` of the exchange; leases go by the database's clock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from zlib import crc32

import msgspec
from pymongo import ASCENDING, IndexModel, ReturnDocument, WriteConcern
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from hie.errors import Unprocessable
from hie.exchange.database import Client, exchange_database, later
from hie.exchange.ids import Clock, now
from hie.exchange.outbox import Event
from hie.feeds.kinds import Kind
from hie.feeds.policy import PATIENCE
from hie.feeds.profile import Profile, read, read_answers
from records.stored import Json

Document = dict[str, Any]
LANES = 64
KEPT = timedelta(days=7)
# What becomes of a message; the first waits, the others are settled.
STATES = ("waiting", "sent", "dead", "withheld", "skipped")


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed as it is loaded: events before `begins` are not for it; `paused` holds its messages back."""

    name: str
    profile: Profile
    begins: datetime
    paused: bool
    version: int


@lru_cache(maxsize=256)
def _profile(text: bytes) -> Profile:
    data = msgspec.json.decode(text)
    return read_answers(data) if "answers" in data else read(data)


class Feeds:
    """Reads and changes; every method is safe from any number of processes."""

    def __init__(self, client: Client, prefix: str, *, clock: Clock = now, kept: timedelta = KEPT) -> None:
        database = exchange_database(client, prefix)
        self._client = client
        self.feeds, self.messages = database["feeds"], database["feed_messages"]
        self.journal = database["journal"]
        # A lease that is lost in a crash of the database runs out by itself.
        quick = WriteConcern(w=1)
        self.lanes = database.get_collection("feed_lanes", write_concern=quick)
        self.slots = database.get_collection("feed_slots", write_concern=quick)
        self.clock, self.kept = clock, kept

    async def ensure_indexes(self) -> None:
        """Create what is missing."""
        await self.messages.create_indexes(
            [
                IndexModel([("feed", ASCENDING), ("state", ASCENDING), ("_id", ASCENDING)]),
                IndexModel([("feed", ASCENDING), ("state", ASCENDING), ("lanes", ASCENDING), ("_id", ASCENDING)]),
                IndexModel([("expires", ASCENDING)], expireAfterSeconds=0),
            ]
        )

    # Feeds

    async def load(self, data: Json, *, by: str, settling: float = PATIENCE.settling) -> Feed:
        """Keep a profile, Unprocessable where it is wrong; a new feed begins a moment later, a known one goes on."""
        profile = read(data)
        known = await self.feeds.find_one({"_id": profile.name})
        if known is not None and await self._reordered(_profile(known["profile"]), profile):
            raise Unprocessable("order: it can be changed only while no message of the feed waits.")
        return await self._keep(profile, data, by, settling)

    async def load_answers(self, data: Json, *, by: str) -> None:
        """The same for the answers to a site; the same again changes nothing."""
        known = await self.feeds.find_one({"_id": data["feed"]}, {"profile": 1}) or {}
        if known.get("profile") != msgspec.json.encode(data):
            await self._keep(read_answers(data), data, by, 0.0)

    async def _keep(self, profile: Profile, data: Json, by: str, settling: float) -> Feed:
        fresh = {"begins": self.clock() + timedelta(seconds=settling), "paused": False, "counts": {}}
        change = {
            "$set": {
                "profile": msgspec.json.encode(data), "types": sorted(profile.types), "at": self.clock(), "by": by,
                "slots": profile.connections,
            },
            "$inc": {"version": 1},
            "$setOnInsert": fresh,
        }  # fmt: skip
        await self.feeds.update_one({"_id": profile.name}, change, upsert=True)
        found = await self.find(profile.name)
        assert found is not None
        return found

    async def _reordered(self, old: Profile, new: Profile) -> bool:
        waits = await self.messages.find_one({"feed": new.name, "state": "waiting"}) if old.order != new.order else None
        return waits is not None

    async def find(self, name: str) -> Feed | None:
        """One feed."""
        found = await self.feeds.find_one({"_id": name})
        return _to_feed(found) if found else None

    async def all(self) -> list[Feed]:
        """Every feed, by name."""
        return [_to_feed(found) async for found in self.feeds.find().sort("_id", 1)]

    async def listening(self, resource_type: str) -> AsyncIterator[Feed]:
        """Those that hear of a type."""
        async for found in self.feeds.find({"types": resource_type}):
            yield _to_feed(found)

    async def pause(self, name: str, *, paused: bool) -> bool:
        """Hold the messages of a feed back, or let them go; False where there is no such feed."""
        changed = await self.feeds.update_one({"_id": name}, {"$set": {"paused": paused}})
        if not paused:
            now_due: Document = {"$set": {"due": self.clock(), "failures": 0}}
            await self.lanes.update_many({"feed": name}, now_due)
            await self.slots.update_many({"feed": name}, now_due)
        return changed.matched_count == 1

    async def count(self, name: str, what: str) -> None:
        """Count what was not queued: `echo`, `filtered`, `unjudged`."""
        await self.feeds.update_one({"_id": name}, {"$inc": {f"counts.{what}": 1}})

    async def counts(self, name: str) -> dict[str, int]:
        """Messages by state, and what was not queued."""
        steps: list[Document] = [{"$match": {"feed": name}}, {"$group": {"_id": "$state", "n": {"$sum": 1}}}]
        found = await self.feeds.find_one({"_id": name}, {"counts": 1, "settled": 1}) or {}
        told = {row["_id"]: int(row["n"]) async for row in await self.messages.aggregate(steps)}
        # Settled messages are cleared away after a while; how many there were is kept.
        return dict.fromkeys(STATES, 0) | told | dict(found.get("settled", {})) | dict(found.get("counts", {}))

    # The queue

    async def queue(self, feed: Feed, event: Event, kind: Kind, keys: Sequence[str]) -> bool:
        """Add a message, once; `keys` are the persons whose order it keeps."""
        lanes = sorted({_lane(key) for key in keys}) if feed.profile.order == "patient" else [0]
        document: Document = {
            "_id": f"{feed.name}/{event.id}", "feed": feed.name, "event": event.id, "type": event.type,
            "resource": event.resource_id, "version": event.version, "at": event.at, "code": kind.code,
            "trigger": kind.trigger, "lanes": lanes or [0], "state": "waiting", "generation": 0, "tries": 0,
            "told": False, "made": None,
        }  # fmt: skip
        try:
            await self.messages.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def put(self, messages: Sequence[Document], *, session: AsyncClientSession) -> None:
        """Add messages that are made already, in the transaction of what they tell."""
        await self.messages.insert_many(messages, session=session)

    async def waits(self, name: str) -> bool:
        """Whether anything is to be sent."""
        return await self.messages.find_one({"feed": name, "state": "waiting"}, {"_id": 1}) is not None

    async def head(self, name: str) -> Document | None:
        """
        The oldest message that nothing of its lanes stands before and whose lanes are free and due.

        A message of two lanes (a merge) is first in both, or waits.
        """
        blocked = await self._blocked(name)
        while True:
            query: Document = {"feed": name, "state": "waiting", "lanes": {"$nin": sorted(blocked)}}
            found = await self.messages.find_one(query, sort=[("_id", 1)])
            if found is None or await self._is_first(found):
                return found
            blocked |= set(found["lanes"])

    async def _blocked(self, name: str) -> set[int]:
        busy = {"feed": name, "$expr": {"$or": [{"$gt": ["$until", "$$NOW"]}, {"$gt": ["$due", "$$NOW"]}]}}
        return {row["lane"] async for row in self.lanes.find(busy, {"lane": 1})}

    async def _is_first(self, message: Document) -> bool:
        before = {"feed": message["feed"], "state": "waiting", "lanes": {"$in": message["lanes"]}}
        return await self.messages.find_one({**before, "_id": {"$lt": message["_id"]}}, {"_id": 1}) is None

    async def claim(self, message: Document, owner: str, seconds: float) -> bool:
        """Take the lanes of a message, all or none; True where it is still the first of them and waits."""
        taken: list[int] = []
        for lane in message["lanes"]:
            if not await self._take(message["feed"], lane, owner, seconds):
                break
            taken.append(lane)
        if len(taken) == len(message["lanes"]) and await self._still(message):
            return True
        await self._release(message["feed"], taken, owner)
        return False

    async def _still(self, message: Document) -> bool:
        same = {"_id": message["_id"], "state": "waiting"}
        return await self.messages.find_one(same, {"_id": 1}) is not None and await self._is_first(message)

    async def _take(self, feed: str, lane: int, owner: str, seconds: float) -> bool:
        place = {"feed": feed, "lane": lane}
        return await _lease(self.lanes, f"{feed}/{lane}", owner, seconds, place)

    async def _release(self, feed: str, lanes: Sequence[int], owner: str) -> None:
        names = [f"{feed}/{lane}" for lane in lanes]
        await self.lanes.update_many({"_id": {"$in": names}, "owner": owner}, {"$set": {"owner": None, "until": None}})

    async def extend(self, message: Document, owner: str, seconds: float) -> bool:
        """Keep the lanes for so long; False where one of them is no longer ours."""
        names = [f"{message['feed']}/{lane}" for lane in message["lanes"]]
        held = {"_id": {"$in": names}, "owner": owner, "$expr": {"$gt": ["$until", "$$NOW"]}}
        return (await self.lanes.update_many(held, [{"$set": {"until": later(seconds)}}])).matched_count == len(names)

    async def begin(self, message: Document) -> Document:
        """Note that it is being made: the time it says it was made at stays, also when it is sent again."""
        made = {"$ifNull": ["$made", self.clock()]}
        change = [{"$set": {"made": made, "tries": {"$add": ["$tries", 1]}, "control": control_of(message)}}]
        found = await self.messages.find_one_and_update(
            {"_id": message["_id"]}, change, return_document=ReturnDocument.AFTER
        )
        return found or message

    async def mark_told(self, message: Document) -> None:
        """The trail has it: sending it again is no new disclosure."""
        await self.messages.update_one({"_id": message["_id"]}, {"$set": {"told": True}})

    async def settle(self, message: Document, owner: str, state: str, *, code: str = "", reason: str = "") -> None:
        """Write down what became of a message, and give its lanes to the next."""
        change: Document = {"state": state, "code_told": code, "reason": reason, "settled": self.clock()}
        if state != "dead":
            change["expires"] = self.clock() + self.kept

        async def work(session: AsyncClientSession) -> None:
            query = {"_id": message["_id"], "state": "waiting"}
            done = await self.messages.update_one(query, {"$set": change}, session=session)
            if done.modified_count and state != "dead":
                count = {"$inc": {f"settled.{state}": 1}}
                await self.feeds.update_one({"_id": message["feed"]}, count, session=session)

        # Counted with it: a count that came behind would get lost in a crash.
        async with self._client.start_session() as session:
            await session.with_transaction(work)
        names = [f"{message['feed']}/{lane}" for lane in message["lanes"]]
        free = {"owner": None, "until": None, "failures": 0, "due": self.clock()}
        await self.lanes.update_many({"_id": {"$in": names}, "owner": owner}, {"$set": free})

    async def postpone(self, message: Document, owner: str, seconds: float, reason: str) -> None:
        """It stays first in its lanes, and they rest for a time."""
        await self.messages.update_one({"_id": message["_id"]}, {"$set": {"reason": reason}})
        names = [f"{message['feed']}/{lane}" for lane in message["lanes"]]
        rest = [{"$set": {"owner": None, "until": None, "due": later(seconds)}}]
        await self.lanes.update_many({"_id": {"$in": names}, "owner": owner}, rest)

    async def late_refusal(self, feed: str, control: str, reason: str) -> None:
        """A receiver that had taken a message (CA) says later that it could not use it."""
        await self.messages.update_one(
            {"feed": feed, "control": control, "state": "sent"},
            {"$set": {"state": "dead", "reason": reason}, "$unset": {"expires": ""}},
        )

    # Dead letters

    async def dead(self, name: str, limit: int = 100) -> list[Document]:
        """Messages that the receiver refused for their content, with its reason; the oldest first."""
        return await self.messages.find({"feed": name, "state": "dead"}).sort("_id", 1).limit(limit).to_list()

    async def replay(self, name: str, chosen: Document) -> int:
        """
        Make and send some settled messages again, at their old places, under control ids of their own.

        A receiver that remembers the old id would answer as it did before.
        """
        query = {"feed": name, "state": {"$in": ["dead", "sent", "withheld", "skipped"]}, **chosen}
        change: Document = {
            "$set": {"state": "waiting", "told": False, "made": None, "tries": 0, "reason": ""},
            "$unset": {"expires": "", "settled": "", "control": ""},
            "$inc": {"generation": 1},
        }
        return (await self.messages.update_many(query, change)).modified_count

    async def set_aside(self, name: str, message: str) -> bool:
        """An operator's word: this waiting message holds up the others no longer."""
        query = {"_id": f"{name}/{message}", "state": "waiting"}
        change = {"$set": {"state": "dead", "reason": "set aside by an operator", "settled": self.clock()}}
        done = await self.messages.update_one(query, change)
        if done.modified_count:
            await self.lanes.update_many({"feed": name}, {"$set": {"due": self.clock(), "failures": 0}})
        return done.modified_count == 1

    # Connections

    async def take_slot(self, feed: Feed, owner: str, seconds: float) -> int | None:
        """One of the connections that a feed may have, where one is free and due; None otherwise."""
        for slot in range(feed.profile.connections):
            name = f"{feed.name}/{slot}"
            if await _lease(self.slots, name, owner, seconds, {"feed": feed.name}, due=True):
                return slot
        return None

    async def keep_slot(self, name: str, slot: int, owner: str, seconds: float) -> bool:
        """False where somebody else has it."""
        held = {"_id": f"{name}/{slot}", "owner": owner}
        return (await self.slots.update_one(held, [{"$set": {"until": later(seconds)}}])).matched_count == 1

    async def failures(self, name: str, slot: int) -> int:
        """How often in a row the receiver could not be reached on this connection."""
        found = await self.slots.find_one({"_id": f"{name}/{slot}"}, {"failures": 1})
        return int((found or {}).get("failures") or 0)

    async def leave_slot(self, name: str, slot: int, owner: str, failures: int, pause: float) -> None:
        """Give a connection up; with failures it rests for a time."""
        change = {"owner": None, "until": None, "failures": failures, "due": later(pause)}
        await self.slots.update_one({"_id": f"{name}/{slot}", "owner": owner}, [{"$set": change}])


def control_of(message: Document) -> str:
    """MSH-10: the same each time this message is sent, and no other's; 20 characters."""
    name = f"{message['_id']}/{message['generation']}".encode()
    return blake2b(name, digest_size=10).hexdigest().upper()


def _lane(key: str) -> int:
    return crc32(key.encode()) % LANES


async def _lease(
    collection: Any, name: str, owner: str, seconds: float, place: Mapping[str, Any], *, due: bool = False
) -> bool:
    """Take what is free or expired; of two that try at once, one sees the other's name."""
    free: Document = {"$lte": [{"$ifNull": ["$until", "$$NOW"]}, "$$NOW"]}
    if due:
        free = {"$and": [free, {"$lte": [{"$ifNull": ["$due", "$$NOW"]}, "$$NOW"]}]}
    change = {
        "owner": {"$cond": [free, owner, "$owner"]},
        "until": {"$cond": [free, later(seconds), "$until"]},
        # Two tasks of one process are two owners of different things.
        "taken": free,
        **place,
    }
    try:
        found = await collection.find_one_and_update(
            {"_id": name}, [{"$set": change}], upsert=True, return_document=ReturnDocument.AFTER
        )
    except DuplicateKeyError:
        return False
    return bool(found and found["taken"])


def _to_feed(found: Mapping[str, Any]) -> Feed:
    return Feed(found["_id"], _profile(bytes(found["profile"])), found["begins"], found["paused"], found["version"])
