"""
Work in the background of a process, and its end.

The driver may answer a cancellation with an error of the network, and the work goes on: it is cancelled until it ends.
https://docs.python.org/3/library/asyncio-task.html#asyncio.Task.cancel
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from pymongo.errors import PyMongoError

AGAIN_SECONDS = 0.5
Look = Callable[[], Awaitable[None]]


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Runs `work` beside what is inside; at the end it is cancelled, and has ended. Its own error is not raised."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=AGAIN_SECONDS)
        if not task.cancelled():
            task.exception()


@asynccontextmanager
async def following(look: Look, every: float, missed: Callable[[PyMongoError], None]) -> AsyncIterator[None]:
    """Looks now, and every so many seconds beside what is inside; `missed` hears of a look that found no database."""

    async def again_and_again() -> None:
        while True:
            await asyncio.sleep(every)
            try:
                await look()
            except PyMongoError as error:
                missed(error)

    await look()
    async with background(again_and_again()):
        yield
