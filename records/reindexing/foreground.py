"""
Carry a job out here and now, and watch it: for the command line, where no worker may be running.
"""

from __future__ import annotations

import asyncio

from records.reindexing.job import Job
from records.reindexing.jobs import Jobs
from records.reindexing.runner import Reindexer, Watch

LOOK_SECONDS = 0.5


async def finish(jobs: Jobs, reindexer: Reindexer, job_id: str, watch: Watch = lambda _job: None) -> Job:
    """
    The job as it ended, or paused. Jobs before it are carried out first; one that another process is at is watched.
    """
    stop = asyncio.Event()
    while True:
        job = await jobs.read(job_id)
        watch(job)
        if not job.unfinished or job.state == "paused":
            return job
        if not await reindexer.turn(stop, watch):
            await asyncio.sleep(LOOK_SECONDS)
