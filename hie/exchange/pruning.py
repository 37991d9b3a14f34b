"""
Pruning: bytes of messages that had their time are let go, in small batches, at quiet moments; the journal's facts stay.

Where a pass stands is stored: another process goes on with it. One process at a time has the lease; two would do no
harm, each batch says again what it expects.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from bson import ObjectId
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import PyMongoError

from hie.exchange.bodies import Bodies
from hie.exchange.database import Client, durably, exchange_database
from hie.exchange.entries import Document
from hie.exchange.ids import Clock, encode, now
from hie.exchange.leases import Leases
from hie.exchange.outbox_runner import pause
from hie.exchange.retention import Retention, Rule, cutoff

# Entries looked at, at once.
SCAN = 500
# A pass begins anew so often: what had to stay the last time (unmapped parts, a replay) may go now.
PASS_EVERY = timedelta(days=7)
# More than this waits: no quiet moment.
QUIET = 20
BETWEEN_SECONDS, IDLE_SECONDS = 0.05, 60.0
_log = structlog.get_logger("hie.pruning")
_LOOK = {"site": 1, "size": 1, "file": 1, "pruned": 1, "closed": 1, "unmapped": {"$slice": 1}}


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many entries were looked at, how many lost their bytes, and how many bytes that were."""

    seen: int = 0
    messages: int = 0
    bytes: int = 0

    def __add__(self, other: Pruned) -> Pruned:
        return Pruned(self.seen + other.seen, self.messages + other.messages, self.bytes + other.bytes)


class Pruner:
    """Collections `journal`, `bodies`; `pruning` has where each rule's pass stands, and what was pruned so far."""

    def __init__(
        self, client: Client, prefix: str, retention: Callable[[], Retention], leases: Leases, *, clock: Clock = now
    ) -> None:
        database = exchange_database(client, prefix)
        self._client, self._retention, self._leases, self._clock = client, retention, leases, clock
        self._journal, self._passes = database["journal"], database["pruning"]
        self._bodies = Bodies(database)

    async def run(self, stop: asyncio.Event) -> None:
        """Prune at quiet moments until told to stop."""
        while not stop.is_set():
            seen = 0
            try:
                if await self._is_quiet() and await self._leases.hold(["store"]):
                    seen = (await self.step()).seen
            except Exception as error:
                # A wrong file of rules, or a database that is away: later, perhaps.
                _log.warning("pruning waits", error=type(error).__name__)
            await pause(stop, BETWEEN_SECONDS if seen else IDLE_SECONDS)
        with contextlib.suppress(PyMongoError):
            await self._leases.leave()

    async def _is_quiet(self) -> bool:
        return await self._journal.count_documents({"state": "pending"}, limit=QUIET + 1) <= QUIET

    async def step(self) -> Pruned:
        """One batch of the first rule that has something to look at."""
        day = self._clock().date()
        for rule in self._retention().on(day):
            found = await self._batch(rule)
            if found.seen:
                return found
        return Pruned()

    async def whole(self, tell: Callable[[Pruned], None] = lambda _: None) -> Pruned:
        """Everything that has had its time, now."""
        total = Pruned()
        while (found := await self.step()).seen:
            total += found
            tell(total)
        return total

    async def would(self) -> dict[str, Pruned]:
        """What `whole` would prune by now, by state and site; changes nothing."""
        found: dict[str, Pruned] = {}
        for rule in self._retention().on(self._clock().date()):
            before = cutoff(rule, self._clock())
            after = ""
            while before is not None:
                documents = await self._look(rule, before, after)
                if not documents:
                    break
                after = documents[-1]["_id"]
                due = [one for one in documents if self._is_due(rule, one, before)]
                name = " ".join(filter(None, (rule.state, rule.site)))
                found[name] = found.get(name, Pruned()) + _sum(len(documents), due)
        return found

    async def _batch(self, rule: Rule) -> Pruned:
        before = cutoff(rule, self._clock())
        if before is None:
            return Pruned()
        name, after = await self._place(rule)
        documents = await self._look(rule, before, after)
        if not documents:
            return Pruned()
        due = [one for one in documents if self._is_due(rule, one, before)]
        done = await self._prune(rule, due)
        said = {"$set": {"after": documents[-1]["_id"]}, "$inc": {"messages": done.messages, "bytes": done.bytes}}
        await self._passes.update_one({"_id": name}, said)
        return Pruned(len(documents), done.messages, done.bytes)

    async def _place(self, rule: Rule) -> tuple[str, str]:
        """The name of the rule's pass, and behind which entry it goes on."""
        name, at = f"{rule.state}|{rule.site}", self._clock()
        found = await self._passes.find_one({"_id": name})
        if found is None or at - found["begun"] > PASS_EVERY:
            begun = {"$set": {"after": "", "begun": at}}
            await self._passes.update_one({"_id": name}, begun, upsert=True)
            return name, ""
        return name, found["after"]

    async def _look(self, rule: Rule, before: datetime, after: str) -> list[Document]:
        """The next entries of the state (and site) in the order of their coming, without their bytes."""
        query: dict[str, Any] = {"state": rule.state, "_id": {"$gt": after, "$lt": first_id(before)}}
        if rule.site:
            query["site"] = rule.site
        return await self._journal.find(query, _LOOK).sort("_id", 1).limit(SCAN).to_list()

    def _is_due(self, rule: Rule, document: Document, before: datetime) -> bool:
        if document.get("pruned") or document.get("unmapped"):
            return False
        if not rule.site and document["site"] in self._retention().own_sites(rule.state, self._clock().date()):
            return False
        closed = document.get("closed")
        return closed is None or closed["at"] < before

    async def _prune(self, rule: Rule, due: list[Document]) -> Pruned:
        inline = [one["_id"] for one in due if one.get("file") is None]
        expected = {"_id": {"$in": inline}, "state": rule.state, "pruned": {"$exists": False}}
        done = 0
        if inline:
            change = {"$set": {"raw": None, "pruned": self._clock()}}
            done = (await self._journal.update_many(expected, change)).modified_count
        for one in due:
            if one.get("file") is not None:
                done += await self._prune_file(rule, one["_id"], one["file"])
        return Pruned(len(due), done, sum(one["size"] for one in due) if done == len(due) else 0)

    async def _prune_file(self, rule: Rule, message: str, file: ObjectId) -> bool:
        """Entry and body at once: a message that is replayed at the same moment keeps its body."""

        async def prune(session: AsyncClientSession) -> bool:
            expected = {"_id": message, "state": rule.state, "pruned": {"$exists": False}}
            change = {"$set": {"pruned": self._clock()}, "$unset": {"file": ""}}
            done = await self._journal.update_one(expected, change, session=session)
            if done.modified_count:
                await self._bodies.drop(file, session)
            return done.modified_count == 1

        return await durably(self._client, prune)


def first_id(at: datetime) -> str:
    """The smallest id of a moment: ids begin with the milliseconds of their making."""
    return encode(int(at.timestamp() * 1000) << 80)


def _sum(seen: int, due: list[Document]) -> Pruned:
    return Pruned(seen, len(due), sum(one["size"] for one in due))
