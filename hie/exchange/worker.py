"""
A worker: leases lanes, carries their messages through the pipeline, and lets nothing that fails hold up other lanes.

kill -9 at any point: a message is pending until the transaction of its effects commits, and its lane's lease runs out.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from pymongo.errors import PyMongoError

from hie.errors import Unavailable
from hie.exchange.dead_letters import fault_of, reason_of
from hie.exchange.inbound import InboundMessage
from hie.exchange.journal import Journal
from hie.exchange.lanes import ready
from hie.exchange.leases import Leases
from hie.exchange.outbox_runner import Patience, pause
from hie.exchange.pausing import Pausing
from hie.exchange.quarantine import Quarantine
from hie.exchange.steps.conclude import TakenElsewhere
from hie.exchange.unmapped import UnmappedQueue
from records.errors import Conflict, PreconditionFailed

PATIENCE = Patience(first=0.05, longest=20.0, attempts=10)
# Another transaction wrote the same resource first: what is read next time is newer.
RACES = (Conflict, PreconditionFailed)
Carrier = Callable[[InboundMessage], Awaitable[object]]
_log = structlog.get_logger("hie.worker")


@dataclass(frozen=True, slots=True)
class Pace:
    """Sleep in seconds while there is nothing to do, messages read at once, lanes at once, housekeeping every."""

    shortest: float = 0.02
    longest: float = 0.25
    batch: int = 128
    at_once: int = 16
    housekeeping: float = 2.0
    patience: Patience = PATIENCE


PACE = Pace()


class Worker:
    """One worker process's share of the lanes."""

    def __init__(
        self,
        journal: Journal,
        pipeline: Carrier,
        leases: Leases,
        *,
        lanes: int,
        unmapped: UnmappedQueue | None = None,
        quarantine: Quarantine | None = None,
        pausing: Pausing | None = None,
        pace: Pace = PACE,
    ) -> None:
        self._journal, self._pipeline, self._leases = journal, pipeline, leases
        self._lanes = lanes
        self._unmapped, self._quarantine, self._pausing = unmapped, quarantine, pausing
        self._pace = pace
        self._held: frozenset[int | str] = frozenset()
        self._paused: frozenset[str] = frozenset()
        self._sure_until = 0.0
        self._busy: dict[int, asyncio.Task[None]] = {}
        self._resting: dict[int, float] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; then finish what is in hand and give the lanes back."""
        keeper = asyncio.create_task(self._keep(stop))
        try:
            await self._work(stop, keeper)
            await asyncio.gather(*self._busy.values(), keeper)
            with contextlib.suppress(PyMongoError):
                await self._leases.leave()
        finally:
            for task in (keeper, *self._busy.values()):
                task.cancel()

    async def _work(self, stop: asyncio.Event, keeper: asyncio.Task[None]) -> None:
        sleep = self._pace.shortest
        while not stop.is_set():
            if keeper.done():
                # Without leases there is nothing to work on: let the supervisor start us anew.
                keeper.result()
            try:
                started = await self._round()
            except PyMongoError as error:
                _log.warning("worker waits for the database", error=type(error).__name__)
                started, sleep = 0, self._pace.longest
            sleep = self._pace.shortest if started else min(sleep * 1.5, self._pace.longest)
            if not started:
                await self._rest(stop, sleep)

    async def _rest(self, stop: asyncio.Event, seconds: float) -> None:
        """Sleep, or less where a lane becomes free."""
        if self._busy:
            waiting = [*self._busy.values(), asyncio.create_task(stop.wait())]
            _, _ = await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            waiting[-1].cancel()
        else:
            await pause(stop, seconds)

    async def _keep(self, stop: asyncio.Event) -> None:
        """Keep the leases, and the house: counts, quarantine."""
        tidied = 0.0
        while not stop.is_set():
            with contextlib.suppress(PyMongoError):
                await self._hold()
                if time.monotonic() - tidied > self._pace.housekeeping:
                    await self._tidy()
                    tidied = time.monotonic()
            await pause(stop, min(self._leases.seconds / 4, self._pace.housekeeping))

    async def _hold(self) -> None:
        asked = time.monotonic()
        # There may be messages from a time of more lanes: none of them is left behind.
        names = range(max(self._lanes, await self._journal.last_pending_lane() + 1))
        held = await self._leases.hold(names)
        surplus = await self._leases.surplus(names, held)
        idle = [name for name in sorted(held, key=int, reverse=True) if name not in self._busy][:surplus]
        self._held = held - frozenset(idle)
        await self._leases.give_up(idle)
        self._sure_until = asked + self._leases.seconds * 0.8

    async def _tidy(self) -> None:
        if self._unmapped is not None:
            await self._unmapped.roll_up()
        if self._quarantine is not None:
            await self._quarantine.release_known()
        if self._pausing is not None:
            await self._pausing.settle()

    async def _round(self) -> int:
        """Start what can start; returns how many lanes were started."""
        now = time.monotonic()
        self._resting = {lane: until for lane, until in self._resting.items() if until > now}
        free = [int(name) for name in self._held if name not in self._busy and name not in self._resting]
        room = self._pace.at_once - len(self._busy)
        if not free or room <= 0 or now > self._sure_until:
            return 0
        if self._pausing is not None:
            self._paused = await self._pausing.sites()
        messages = await self._journal.pending_in(free, self._pace.batch, without=self._paused)
        if not messages:
            return 0
        queues = ready(messages, await self._journal.open_merges(without=self._paused))
        chosen = sorted(queues.items(), key=lambda item: item[1][0].id)[:room]
        for lane, queue in chosen:
            if lane not in self._busy:
                self._busy[lane] = asyncio.create_task(self._carry(lane, queue))
        return len(chosen)

    async def _carry(self, lane: int, queue: Sequence[InboundMessage]) -> None:
        """One lane's messages in order, until one has to wait."""
        try:
            for message in queue:
                if not self._may_go_on(lane, message) or not await self._process(message):
                    break
        except PyMongoError as error:
            _log.warning("lane waits for the database", lane=lane, error=type(error).__name__)
            self._resting[lane] = time.monotonic() + self._pace.longest
        finally:
            self._busy.pop(lane, None)

    def _may_go_on(self, lane: int, message: InboundMessage) -> bool:
        return lane in self._held and time.monotonic() <= self._sure_until and message.site not in self._paused

    async def _process(self, message: InboundMessage) -> bool:
        """True where the message is done with: stored, or dead. False: its lane waits."""
        if await self._is_early(message):
            self._resting[message.lane] = time.monotonic() + self._pace.shortest
            return False
        try:
            await self._pipeline(message)
        except TakenElsewhere:
            return False
        except (PyMongoError, Unavailable, *RACES) as error:
            return await self._again(message, error)
        except Exception as error:
            return await self._bury(message, error)
        return True

    async def _is_early(self, message: InboundMessage) -> bool:
        """
        Something older waits in the other lane of a merge; or in the own one, where a replay came in between: messages
        that are put back appear while the lane is being read.
        """
        lanes = [message.lane] if message.attempts else []
        if message.other_lane is not None:
            lanes.append(message.other_lane)
        return any([await self._journal.has_older(lane, message.id, without=self._paused) for lane in lanes])

    async def _again(self, message: InboundMessage, error: Exception) -> bool:
        """Nothing is wrong with the message: the lane waits. A conflict that never ends is a dead letter."""
        if isinstance(error, RACES) and message.attempts + 1 >= self._pace.patience.attempts:
            return await self._bury(message, error)
        reason = "" if isinstance(error, PyMongoError) else reason_of(error)
        tried = await self._journal.tried(message, reason or f"Waits: {type(error).__name__}")
        self._resting[message.lane] = time.monotonic() + self._pace.patience.pause(min(tried.attempts, 16))
        _log.info("message waits", message=message.id, error=type(error).__name__)
        return False

    async def _bury(self, message: InboundMessage, error: Exception) -> bool:
        reason = reason_of(error)
        _log.warning("dead letter", message=message.id, site=message.site, reason=reason)
        await self._journal.conclude(message, "dead", reason=reason, error=fault_of(error))
        return True
