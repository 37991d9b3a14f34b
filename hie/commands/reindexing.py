"""
`hie reindex`: have resources indexed again and watch it; also where no other process of the exchange runs.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import typer
from pymongo import AsyncMongoClient

from hie.commands import backup
from hie.errors import Unprocessable
from hie.settings import Settings
from records.errors import RecordError
from records.reindexing import Job, Reindexer, finish
from records.resource_store import ResourceStore

Say = Callable[[str], None]
STEERING = {"pause": "paused", "resume": "waiting", "cancel": "cancelled"}


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[ResourceStore]:
    """The store; the embedded database is started for the while where it does not run."""
    with backup.database(settings) as uri:
        async with AsyncMongoClient[dict[str, Any]](uri, tz_aware=True, w="majority") as client:
            store = ResourceStore(client, settings.database_prefix, base=settings.fhir_url)
            try:
                async with store.parameters.kept():
                    yield store
            except RecordError as error:
                raise Unprocessable(error.text) from error


async def ask(settings: Settings, types: Sequence[str], url: str, rate: int, watch: Callable[[Job], None]) -> Job:
    """A job for these types, a parameter, or everything; carried out here, unless another process takes it."""
    async with opened(settings) as store:
        job = await store.parameters.ask(list(types) or ([] if url else await store.types()), url)
        reindexer = Reindexer(store.collections, store.parameters, rate=rate)
        return await finish(store.parameters.jobs, reindexer, job, watch)


async def run(
    settings: Settings, say: Say, types: Sequence[str], url: str, rate: int, *, show: bool, order: str, job: str
) -> int:
    """What the command line asks; returns the exit code."""
    if show:
        for one in await newest(settings):
            say(line(one))
        return 0
    if order or job:
        if order not in STEERING or not job:
            raise Unprocessable("--do is one of pause, resume and cancel, and goes with --job.")
        say(line(await steer(settings, job, order)))
        return 0
    bar = Bar(say, terminal=sys.stderr.isatty())
    try:
        ended = await ask(settings, types, url, rate, bar)
    finally:
        bar.close()
    for told in summary(ended):
        say(told)
    return 0 if ended.state == "completed" else 1


async def steer(settings: Settings, job: str, order: str) -> Job:
    """Pause, resume or cancel."""
    async with opened(settings) as store:
        return await store.parameters.steer(job, STEERING[order])


async def newest(settings: Settings) -> list[Job]:
    """The newest jobs."""
    async with opened(settings) as store:
        return await store.parameters.jobs.newest()


def line(job: Job) -> str:
    """One job in a line of a list."""
    about = " ".join(job.urls) or (" ".join(job.types) if len(job.types) < 4 else f"{len(job.types)} types")
    waits = f", waits for {job.processes} processes" if job.unfinished and job.processes else ""
    return f"{job.id}  {job.state:<10} {job.percent:>3} %  {job.done}/{job.total}{waits}  {about}"


def summary(job: Job) -> list[str]:
    """What came of it, for the person at the terminal."""
    told = [f"{name}: {one.changed}" for name, one in job.progress.items() if one.changed]
    told.append(f"{job.id} {job.state}: {job.current} of {job.existing} resources are indexed as they should be.")
    told += [f"Not indexed: {reference}" for reference in job.failed]
    return told


class Bar:
    """A progress bar on a terminal; elsewhere a line whenever the phase changes."""

    def __init__(self, say: Say, *, terminal: bool) -> None:
        self._say, self._terminal, self._phase = say, terminal, ""
        self._bar: Any = None
        self._at = 0

    def __call__(self, job: Job) -> None:
        if job.phase != self._phase and job.unfinished:
            self._phase = job.phase
            waiting = f" for {job.processes} processes to learn of it" if job.processes else ""
            self._say(f"{job.id}: {job.phase}{waiting}")
        if self._terminal and job.counted and job.total:
            self._draw(job)

    def _draw(self, job: Job) -> None:
        if self._bar is None:
            self._bar = typer.progressbar(length=job.total, label="Resources", show_pos=True, file=sys.stderr)
            self._bar.__enter__()
        self._bar.length = job.total
        self._bar.update(job.done - self._at)
        self._at = job.done

    def close(self) -> None:
        """The line under the bar."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
