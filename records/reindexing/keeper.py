"""
What one process knows of its store's search parameters, and how the others know that it knows.

A process says by which generation it writes and reads, for as long as a lease; a job begins when nobody says an older
one. So a resource that is written by old rules is written before the job looks, and a search by old rules ends before.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import structlog
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import PyMongoError

from records.background import background
from records.collections import DURABLE, Client, Collections
from records.definitions import IN_FORCE
from records.reindexing.formats import VERSION
from records.reindexing.job import Job
from records.reindexing.jobs import Jobs
from records.reindexing.registry import Registered, Registry, State
from records.search.custom import NOTHING_ADDED, Custom, InForce, in_force
from records.stored import Write
from records.transactions import in_transaction

EVERY_SECONDS = 1.0
# A transaction of the database lives 60 seconds at most: one of a process that was stopped ends before its lease.
LEASE_MS = 90_000
RENEW_SECONDS = 30.0
# Older knowledge than this is renewed before a write; far less than the lease.
STALE_SECONDS = 10.0
_log = structlog.get_logger("hie.search_parameters")


class Keeper:
    """The definitions in force for one store of one process; `now` is what it knows."""

    def __init__(self, client: Client, prefix: str, collections: Collections) -> None:
        database = client.get_database(f"{prefix}_exchange", write_concern=DURABLE)
        self._client, self._collections = client, collections
        self.jobs = Jobs(database)
        self.registry = Registry(database, self.jobs)
        self._processes = database["search_processes"]
        self._name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.now: InForce = NOTHING_ADDED
        self._changes = -1
        self._known_at = float("-inf")
        self._said: tuple[int, float] | None = None
        self._used: Counter[int] = Counter()
        self._kept = self._news = False
        self._loading = asyncio.Lock()

    # Learning

    async def refresh(self) -> None:
        """Learn what is in force by now."""
        async with self._loading:
            at = time.monotonic()
            state = await self.registry.state()
            if state is None or state.version < VERSION:
                await self._settle()
                state = await self.registry.state()
            assert state is not None
            if state.changes != self._changes or self.now.waits:
                self.now = await self._load(state)
                self._changes = state.changes
            self._known_at = at

    async def _settle(self) -> None:
        await self.jobs.ensure_indexes()
        existing = await self._collections.existing()
        types = [one for one in existing if await self._collections.of(one).find_one({}, {"_id": 1}) is not None]
        await in_transaction(
            self._client, self._collections, lambda session: self.registry.settle(types, session)
        )

    async def _load(self, state: State) -> InForce:
        jobs = await self.jobs.unfinished()
        customs = [await self._custom(one, jobs) for one in await self.registry.all()]
        withheld = {
            name: dict.fromkeys(codes, _told(_covering(jobs, name, state.raised)))
            for name, codes in state.withheld.items()
        }
        # A release that does not know the newest rules stays with those it knows, and holds back the job for them.
        generation = state.generation if state.version <= VERSION else min(state.generation, state.raised - 1)
        return InForce(generation, customs, withheld)

    async def _custom(self, one: Registered, jobs: Sequence[Job]) -> Custom:
        if one.complete:
            return Custom(one.url, one.code, one.parameters)
        running = next((job for job in reversed(jobs) if one.id in job.parameters), None)
        return Custom(one.url, one.code, one.parameters, _told(running or await self.jobs.latest_for(one.id)))

    async def current(self) -> None:
        """Learn, where what is known may be old; for processes that are not kept, at most every few seconds."""
        if time.monotonic() - self._known_at > STALE_SECONDS:
            await self.refresh()

    async def known(self) -> InForce:
        """What is in force, for a reader that comes back for one page after the other."""
        await self.current()
        return self.now

    # Telling the others

    @property
    def confirmed(self) -> int:
        """The oldest generation that anything in this process goes by."""
        return min((self.now.generation, *(one for one, count in self._used.items() if count)))

    async def _say(self, name: str, generation: int) -> None:
        change = [{"$set": {"generation": generation, "until": {"$add": ["$$NOW", LEASE_MS]}}}]
        await self._processes.update_one({"_id": name}, change, upsert=True)

    async def tell(self) -> None:
        """Renew what the others may rely on, where it changed or gets old."""
        generation, now = self.confirmed, time.monotonic()
        if self._said is None or self._said[0] != generation or now - self._said[1] > RENEW_SECONDS:
            await self._say(self._name, generation)
            self._said = generation, now

    async def learn(self) -> None:
        """Learn, and tell at once, where this process tells at all."""
        await self.refresh()
        if self._kept:
            await self.tell()

    async def behind(self, generation: int) -> int:
        """How many processes may still go by an older generation."""
        asked = {"generation": {"$lt": generation}, "$expr": {"$gt": ["$until", "$$NOW"]}}
        return await self._processes.count_documents(asked)

    @asynccontextmanager
    async def kept(self, every: float = EVERY_SECONDS) -> AsyncIterator[None]:
        """Learn and tell every second, as long as the process lives."""
        # Said before anything is read: a job that begins in between waits for this process.
        await self._say(self._name, 0)
        await self.refresh()
        await self.tell()
        self._kept = True
        try:
            async with background(self._keep(every)):
                yield
        finally:
            self._kept = False
            await self._leave()

    async def _keep(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            try:
                await self.refresh()
                await self.tell()
            except PyMongoError as error:
                _log.warning("search parameters not read", error=type(error).__name__)

    async def _leave(self) -> None:
        try:
            await self._processes.delete_one({"_id": self._name})
        except PyMongoError as error:
            _log.warning("lease not given back", error=type(error).__name__)

    # Reading and writing

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Everything inside goes by what is known now."""
        await self.current()
        known = self.now
        self._used[known.generation] += 1
        try:
            with in_force(known):
                yield
        finally:
            self._done(known.generation)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """The same for a transaction that writes; a process that is not kept says so for this one transaction."""
        name = "" if self._kept else f"{self._name}-{uuid.uuid4().hex[:8]}"
        if name:
            await self._say(name, 0)
            await self.refresh()
        try:
            async with self.reading():
                yield
        finally:
            if name:
                await self._processes.delete_one({"_id": name})
            if self._news:
                self._news = False
                await self._heard()

    def _done(self, generation: int) -> None:
        self._used[generation] -= 1
        if not self._used[generation]:
            del self._used[generation]

    async def _heard(self) -> None:
        """What this process itself changed it knows at once; others learn it within a second."""
        try:
            await self.refresh()
        except PyMongoError as error:
            _log.warning("search parameters not read", error=type(error).__name__)

    async def record(self, writes: Sequence[Write], session: AsyncClientSession) -> None:
        """
        Before writes are indexed: nothing old is gone by, and SearchParameters among them come into force with them.

        Invalid where a definition cannot be in force.
        """
        if time.monotonic() - self._known_at > STALE_SECONDS:
            await self.refresh()
            IN_FORCE.set(self.now)
        if await self.registry.record(writes, session):
            self._news = True

    async def ask(self, types: Sequence[str], url: str = "") -> str:
        """Make a job; returns its id."""
        await self.current()
        job = await in_transaction(
            self._client, self._collections, lambda session: self.registry.ask(types, session, url=url)
        )
        await self._heard()
        return job

    async def steer(self, job_id: str, state: str) -> Job:
        """`paused`, `waiting` (go on) or `cancelled`; Conflict where the job has ended."""
        job = await self.jobs.steer(job_id, state)
        await self._heard()
        return job

    async def completed(self, job: Job, fields: Mapping[str, Any]) -> bool:
        """The job is complete, and what waited for it is answered, at once for all; False where it was taken away."""

        async def work(session: AsyncClientSession) -> bool:
            if not await self.jobs.end(job, "completed", fields, session):
                return False
            await self.registry.complete(job.generation, job.types, session)
            return True

        done = await in_transaction(self._client, self._collections, work)
        await self._heard()
        return done

    async def failed(self, job: Job, fields: Mapping[str, Any]) -> bool:
        """The job ended, and some resources could not be indexed: what waited for it stays unanswered."""
        done = await in_transaction(
            self._client, self._collections, lambda session: self.jobs.end(job, "failed", fields, session)
        )
        await self._heard()
        return done


class Kept(Protocol):
    """What has definitions of its own."""

    @property
    def parameters(self) -> Keeper: ...


K = TypeVar("K", bound=Kept)
P = ParamSpec("P")
R = TypeVar("R")
Method = Callable[Concatenate[K, P], Coroutine[Any, Any, R]]


def by_own_definitions(method: Method[K, P, R]) -> Method[K, P, R]:
    """A method of a store that goes by the definitions in force in it."""

    @wraps(method)
    async def wrapped(self: K, /, *args: P.args, **named: P.kwargs) -> R:
        async with self.parameters.reading():
            return await method(self, *args, **named)

    return wrapped


def _covering(jobs: Sequence[Job], resource_type: str, generation: int) -> Job | None:
    return next((one for one in jobs if resource_type in one.types and one.generation >= generation), None)


def _told(job: Job | None) -> str:
    """What a search hears that cannot be answered yet."""
    if job is None:
        return "Its index was never made; an administrator can ask for it with $reindex."
    where = f"see $reindex/{job.id}"
    match job.state:
        case "waiting" | "running":
            return f"Its index is being made, {job.percent} % of the resources are done; {where}."
        case "paused":
            return f"Its index is being made and was paused at {job.percent} %; {where}."
        case "failed":
            return f"Its index could not be made whole; {where}."
        case _:
            return f"The making of its index was stopped; {where}."
