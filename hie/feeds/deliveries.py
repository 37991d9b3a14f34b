"""
Delivery: each feed by as many connections as it may have, in whichever processes hold them; none waits for another.

A crash repeats at most the messages under way, under the same control ids.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import structlog
from pymongo.errors import PyMongoError

from hie.exchange.outbox_runner import pause
from hie.feeds.answer_feeds import AnswerFeeds
from hie.feeds.delivering import Delivering
from hie.feeds.registry import Feed
from hie.feeds.sending import Connection

_log = structlog.get_logger("hie.feeds")


@dataclass(slots=True)
class FeedDeliveries:
    """The runner of one process."""

    work: Delivering
    owner: str
    answer_feeds: AnswerFeeds
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until told to stop; then end what is under way."""
        try:
            while not stop.is_set():
                await self._turn(stop)
                await pause(stop, self.work.patience.idle)
            await asyncio.gather(*self._running.values(), return_exceptions=True)
        finally:
            for task in self._running.values():
                task.cancel()

    async def _turn(self, stop: asyncio.Event) -> None:
        self._running = {name: task for name, task in self._running.items() if not task.done()}
        try:
            await self.answer_feeds.follow()
            for feed in await self.work.feeds.all():
                await self._start(feed, stop)
        except PyMongoError as error:
            _log.warning("feeds wait", error=type(error).__name__)

    async def _start(self, feed: Feed, stop: asyncio.Event) -> None:
        """One more connection for a feed that has work, where it may have one."""
        own = sum(name.startswith(f"{feed.name}/") for name in self._running)
        if feed.paused or own >= feed.profile.connections or not await self.work.feeds.waits(feed.name):
            return
        slot = await self.work.feeds.take_slot(feed, self.owner, self._slot_seconds(feed))
        if slot is not None:
            name = f"{feed.name}/{slot}"
            self._running[name] = asyncio.create_task(self._serve(feed, slot, stop))

    def _slot_seconds(self, feed: Feed) -> float:
        return 3 * feed.profile.timeout + 2 * self.work.patience.margin

    async def _serve(self, feed: Feed, slot: int, stop: asyncio.Event) -> None:
        """Everything that waits, over one connection; then silence, then the end of it."""
        failures = await self.work.feeds.failures(feed.name, slot)
        try:
            async with Connection(feed.profile) as connection:
                lost = await self._talk(feed, slot, connection, stop)
            failures = failures + 1 if lost else 0
        except Exception as error:
            # The database or the trail is away, or a fault of ours: the message stays where it is.
            failures += 1
            _log.warning("delivery broke off", feed=feed.name, error=type(error).__name__)
        await self._leave(feed, slot, failures)

    async def _talk(self, feed: Feed, slot: int, connection: Connection, stop: asyncio.Event) -> bool:
        """True where the receiver could not be reached."""
        owner, quiet = f"{self.owner}/{slot}", time.monotonic()
        while not stop.is_set():
            current = await self.work.feeds.find(feed.name)
            if current is None or current.paused or current.version != feed.version:
                return False
            if not await self.work.feeds.keep_slot(feed.name, slot, self.owner, self._slot_seconds(feed)):
                return False
            outcome = await self.work.step(feed, owner, connection)
            if outcome is not None and outcome.kind == "lost":
                return True
            if outcome is not None:
                quiet = time.monotonic()
            elif time.monotonic() - quiet > self.work.patience.silence:
                return False
            else:
                await pause(stop, self.work.patience.idle)
        return False

    async def _leave(self, feed: Feed, slot: int, failures: int) -> None:
        rest = self.work.patience.pause(failures) if failures else 0.0
        try:
            await self.work.feeds.leave_slot(feed.name, slot, self.owner, failures, rest)
        except PyMongoError as error:
            _log.warning("lease runs out by itself", error=type(error).__name__)
