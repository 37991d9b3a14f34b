"""Turns within a process."""

from __future__ import annotations

import asyncio

import pytest

from records.turns import Turns

pytestmark = pytest.mark.anyio


class TestTake:
    async def test_one_at_a_time(self) -> None:
        """Who wants the same name waits, in whatever order the names are given; others do not."""
        turns, inside, most = Turns(), 0, 0

        async def one(*names: str) -> None:
            nonlocal inside, most
            async with turns.take(names):
                inside, most = inside + 1, max(most, inside + 1)
                await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*(one(*names) for names in (("a", "b"), ("b", "a"), ("b",), ("a",), ("a", "c")) * 5))
        assert most <= 2

        await asyncio.gather(one("a"), one("b"), one("c"))
        assert most == 3

    async def test_nothing_stays(self) -> None:
        """A name is forgotten when nobody wants it, also after a failure."""
        turns = Turns()
        with pytest.raises(ValueError, match="broken"):
            async with turns.take(["a"]):
                raise ValueError("broken")

        assert not turns._locks and not turns._wanted
