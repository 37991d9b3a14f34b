"""
Carries out the jobs of reindexing, one at a time and in one process at a time; any process may go on with any job.

Wait until no process goes by older rules, pass over what is indexed by them, and count: a job is complete when the
database finds no resource left that it should have visited.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import structlog
from pymongo.errors import PyMongoError

from records.collections import Collections
from records.reindexing.job import MOST_ERRORS, Job, Progress
from records.reindexing.keeper import Keeper
from records.reindexing.passing import batch, older

LARGEST_BATCH = 200
DEFAULT_RATE = 1_000
IDLE_SECONDS = 2.0
WAIT_SECONDS = 0.5
_log = structlog.get_logger("hie.reindexing")
Watch = Callable[[Job], None]


def _nobody(_job: Job) -> None:
    """Nobody watches."""


@dataclass(slots=True)
class Pace:
    """How fast a pass may go: `rate` resources a second (0: as fast as it can)."""

    rate: int
    begun: float = 0.0
    visited: int = 0

    @property
    def size(self) -> int:
        """Resources of a batch: a tenth of a second's, so that other traffic gets its turn."""
        return min(LARGEST_BATCH, max(self.rate // 10, 1)) if self.rate else LARGEST_BATCH

    def start(self) -> None:
        """The clock runs from here."""
        self.begun, self.visited = time.monotonic(), 0

    @property
    def reached(self) -> float:
        """Resources a second since the start."""
        return self.visited / max(time.monotonic() - self.begun, 0.001)

    def pause(self, visited: int) -> float:
        """How long to rest after so many more."""
        self.visited += visited
        return max(self.begun + self.visited / self.rate - time.monotonic(), 0.0) if self.rate else 0.0


class Reindexer:
    """One process's part in reindexing; `run` is one of the tasks of a worker."""

    def __init__(self, collections: Collections, keeper: Keeper, *, rate: int = DEFAULT_RATE) -> None:
        self._collections, self._keeper, self._rate = collections, keeper, rate
        self.owner = uuid.uuid4().hex

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; a job that is cut short is gone on with where it was."""
        while not stop.is_set():
            try:
                worked = await self.turn(stop)
            except PyMongoError as error:
                _log.warning("reindexing waits for the database", error=type(error).__name__)
                worked = False
            if not worked:
                await _rest(stop, IDLE_SECONDS)

    async def turn(self, stop: asyncio.Event, watch: Watch = _nobody) -> bool:
        """Carry out the oldest job; False where there is none to do."""
        job = await self._keeper.jobs.claim(self.owner)
        if job is None:
            return False
        _log.info("reindexing", job=job.id, types=len(job.types), state=job.phase)
        try:
            ended = await _Work(self._collections, self._keeper, Pace(self._rate), stop, watch).carry_out(job)
        except BaseException:
            await asyncio.shield(self._keeper.jobs.release(job))
            raise
        if ended is None:
            await self._keeper.jobs.release(job)
        else:
            _log.info("reindexed", job=job.id, state=ended)
        return ended is not None


@dataclass(frozen=True, slots=True)
class _Work:
    """One job in one process."""

    collections: Collections
    keeper: Keeper
    pace: Pace
    stop: asyncio.Event
    watch: Watch

    async def carry_out(self, job: Job) -> str | None:
        """The state in which it ended; None where it was taken away, or this process stops."""
        confirmed = await self._confirm(job)
        while confirmed is not None:
            passed = await self._pass(confirmed)
            if passed is None:
                return None
            verified = await self._verify(passed)
            if not isinstance(verified, Job):
                return verified
            confirmed = verified
        return None

    async def _save(self, job: Job, **fields: Any) -> Job | None:
        kept = None if self.stop.is_set() else await self.keeper.jobs.advance(job, fields)
        if kept is not None:
            self.watch(kept)
        return kept

    # Until nobody goes by older rules

    async def _confirm(self, job: Job) -> Job | None:
        if job.confirmed is not None:
            await self.keeper.refresh()
            return job
        while True:
            await self.keeper.learn()
            waiting = await self.keeper.behind(job.generation)
            if waiting == 0 and self.keeper.now.generation >= job.generation:
                break
            if await self._save(job, phase="confirming", processes=waiting) is None:
                return None
            await _rest(self.stop, WAIT_SECONDS)
        return await self._save(
            job, phase="passing", processes=0, confirmed=await self.keeper.jobs.moment(), at=0, cursor=""
        )

    # A pass

    async def _pass(self, job: Job) -> Job | None:
        counted = await self._counted(job)
        self.pace.start()
        while counted is not None and counted.at < len(counted.types):
            found = await batch(self.collections, counted, self.keeper.now, self.pace.size)
            if found is None:
                counted = await self._save(counted, at=counted.at + 1, cursor="")
                continue
            kind = counted.types[counted.at]
            before = counted.progress.get(kind, Progress())
            after = replace(before, done=before.done + found.visited, changed=before.changed + found.changed)
            rest = self.pace.pause(found.visited)
            counted = await self._save(
                counted, cursor=found.last, rate=round(self.pace.reached, 1),
                errors=counted.errors + len(found.failed), failed=[*counted.failed, *found.failed][:MOST_ERRORS],
                progress=_written({**counted.progress, kind: after}),
            )  # fmt: skip
            await _rest(self.stop, rest)
        return counted

    async def _counted(self, job: Job) -> Job | None:
        """With what is to be visited, counted; after an interruption what was visited is counted anew."""
        progress: dict[str, Progress] = {}
        for kind in job.types:
            left, before = await self._left(job, kind), job.progress.get(kind, Progress())
            total = max(before.total, before.done + left) if job.counted else left
            progress[kind] = replace(before, total=total, done=total - left)
        return await self._save(job, counted=True, progress=_written(progress))

    async def _left(self, job: Job, kind: str) -> int:
        return await self.collections.of(kind).count_documents(older(job, kind))

    # The count

    async def _verify(self, job: Job) -> Job | str | None:
        """`completed` or `failed`; the job where another pass is needed."""
        if await self._save(job, phase="verifying") is None:
            return None
        existing = left = 0
        for kind in job.types:
            existing += await self.collections.of(kind).count_documents({"d": False})
            left += await self._left(job, kind)
            if await self._save(job) is None:
                return None
        fields = {"existing": existing, "current": existing - left}
        if not left:
            done = await self.keeper.completed(job, fields)
            self.watch(await self.keeper.jobs.read(job.id))
            return "completed" if done else None
        if job.errors:
            return await self._fail(job, fields)
        return await self._save(job, **fields, phase="passing", at=0, cursor="")

    async def _fail(self, job: Job, fields: Mapping[str, Any]) -> str | None:
        done = await self.keeper.failed(job, fields)
        self.watch(await self.keeper.jobs.read(job.id))
        return "failed" if done else None


def _written(progress: Mapping[str, Progress]) -> dict[str, dict[str, int]]:
    return {name: asdict(one) for name, one in progress.items()}


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    """Nothing for a while, or until told to stop."""
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
