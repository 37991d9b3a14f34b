"""What time alone changes is done now and then."""

from __future__ import annotations

import asyncio

import pytest

from hie.exchange.clockwork import Clockwork

pytestmark = pytest.mark.anyio


class TestClockwork:
    async def test_turns(self) -> None:
        """Every action in every turn, though one before it fails; it ends when told."""
        done: list[str] = []
        stop = asyncio.Event()

        async def broken() -> None:
            done.append("broken")
            raise RuntimeError

        async def sound() -> None:
            done.append("sound")
            if len(done) >= 4:
                stop.set()

        await asyncio.wait_for(Clockwork({"a": broken, "b": sound}, every=0.001).run(stop), 5)

        assert done == ["broken", "sound", "broken", "sound"]
