"""
Carries the bulk jobs on, in any number of worker processes: each job is leased by one, and taken over when it stops.

The lease only spares work. What makes every resource come once is that a step and the place behind it commit together.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from pymongo.errors import ConnectionFailure, PyMongoError

from hie.errors import HieError, Unavailable, fault
from hie.exchange.leases import Leases
from hie.exchange.outbox_runner import pause
from hie.fhir.bulk.extraction import Extraction
from hie.fhir.bulk.intake import Intake
from hie.fhir.bulk.job import Job
from hie.fhir.bulk.jobs import Lost
from hie.fhir.services import FhirServices
from records.errors import Conflict, RecordError

_log = structlog.get_logger("hie.bulk")


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between looks for new jobs, after a passing failure, between clean-ups. `attempts` end a job."""

    idle: float = 0.5
    failing: float = 2.0
    clean: float = 60.0
    attempts: int = 5


PACE = Pace()


class BulkRunner:
    """Runs exports and imports beside the other work of a worker process."""

    def __init__(self, services: FhirServices, leases: Leases, *, pace: Pace = PACE) -> None:
        self._services, self._leases, self._pace = services, leases, pace
        self._extraction = Extraction(services)
        self._intake = Intake(services)
        self._cleaned = float("-inf")

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop."""
        while not stop.is_set():
            try:
                worked = await self.turn(stop)
                wait = self._pace.idle
            except PyMongoError as error:
                worked, wait = False, self._pace.failing
                _log.warning("bulk waits", error=type(error).__name__)
            if not worked:
                await pause(stop, wait)
        with contextlib.suppress(PyMongoError):
            await self._leases.leave()

    async def turn(self, stop: asyncio.Event | None = None) -> bool:
        """Carry each job that this process holds on for a while; True where something was done."""
        await self._clean()
        names = await self._services.bulk.open()
        if not names:
            return False
        held = await self._leases.hold(names)
        worked = [await self._carry_on(str(name), stop) for name in names if name in held]
        return any(worked)

    async def _carry_on(self, job_id: str, stop: asyncio.Event | None) -> bool:
        """Steps of one job for a while, so that the others have their turn."""
        renewing = asyncio.create_task(self._renew(job_id))
        try:
            return await self._steps(job_id, stop)
        except Lost:
            await self._let_go(job_id)
            return True
        except (Conflict, ConnectionFailure, Unavailable) as error:
            # Also what a killed process left locked: the database ends its transaction after a minute.
            _log.warning("bulk job waits", job=job_id, error=type(error).__name__)
            return False
        finally:
            renewing.cancel()

    async def _renew(self, job_id: str) -> None:
        """A step may take longer than a lease lasts."""
        while True:
            await asyncio.sleep(self._leases.seconds / 3)
            with contextlib.suppress(PyMongoError):
                await self._leases.hold([job_id])

    async def _steps(self, job_id: str, stop: asyncio.Event | None) -> bool:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._leases.seconds / 3
        job = await self._services.bulk.read(job_id)
        if not self._settled(job):
            return False
        while job.state == "open" and loop.time() < until and not (stop and stop.is_set()):
            job = await self._try(job)
        if job.state != "open":
            await self._let_go(job_id)
        return True

    def _settled(self, job: Job) -> bool:
        """A write that was under way at the transaction time has to be there before anything is read."""
        wait = timedelta(seconds=self._services.settings.bulk_settle_seconds)
        return job.export is None or self._services.clock() >= job.began + wait

    async def _try(self, job: Job) -> Job:
        """One step; one that cannot succeed ends the job, one that may is tried again."""
        try:
            return await self.step(job)
        except (Lost, Conflict, ConnectionFailure, Unavailable):
            raise
        except (HieError, RecordError) as error:
            return await self._end(job, error)
        except Exception as error:
            failures = await self._services.bulk.failed(job)
            _log.exception("bulk step failed", job=job.id, error=type(error).__name__)
            if failures >= self._pace.attempts:
                return await self._end(job, error)
            await asyncio.sleep(self._pace.failing)
            return await self._services.bulk.read(job.id)

    async def step(self, job: Job) -> Job:
        """The next step of a job; returns the job behind it."""
        return await (self._extraction.step(job) if job.export is not None else self._intake.step(job))

    async def _end(self, job: Job, error: Exception) -> Job:
        problem = fault(error)
        _log.warning("bulk job ended", job=job.id, error=type(error).__name__)
        await self._services.bulk.end(job, "failed", self._expiry(), problem.text, problem.status)
        raise Lost

    def _expiry(self) -> datetime:
        return self._services.clock() + timedelta(hours=self._services.settings.bulk_keep_hours)

    async def _let_go(self, job_id: str) -> None:
        self._extraction.forget(job_id)
        await self._leases.give_up([job_id])

    async def _clean(self) -> None:
        at = asyncio.get_running_loop().time()
        if at - self._cleaned >= self._pace.clean:
            self._cleaned = at
            await self._services.bulk.clean()
