"""Background work ends, also where a cancellation gets lost."""

from __future__ import annotations

import asyncio

from records.background import background


class TestBackground:
    """`background`."""

    async def test_stubborn(self) -> None:
        """Work that answers the first cancellations with an error of its own ends nevertheless."""
        lost = 0

        async def work() -> None:
            nonlocal lost
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    lost += 1
                    if lost == 3:
                        raise

        async with background(work()) as task:
            await asyncio.sleep(0)
        assert task.done()
        assert lost == 3

    async def test_failed(self) -> None:
        """An error of the work is its own, and does not stand in for what was done inside."""

        async def work() -> None:
            raise ValueError

        async with background(work()) as task:
            await asyncio.sleep(0)
        assert isinstance(task.exception(), ValueError)
