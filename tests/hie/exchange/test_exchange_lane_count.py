"""The number of lanes: one for all, and changed only while nothing waits."""

from __future__ import annotations

import pytest
from store_world import StoreWorld

from hie.errors import Unavailable
from hie.exchange.lane_count import LaneCount, lane_count
from hie.exchange.replaying import Replaying, Selection


def lanes(world: StoreWorld, count: int, seconds: float = 15.0) -> LaneCount:
    return LaneCount(world.client, world.prefix, count, seconds=seconds)


async def in_force(world: StoreWorld) -> int:
    return await lane_count(world.journal.collection.database)


class TestLaneCount:
    async def test_first(self, message_store: StoreWorld) -> None:
        """Who starts first says it; the same number again is nothing new."""
        assert await in_force(message_store) == 0
        async with lanes(message_store, 64).kept(), lanes(message_store, 64).kept():
            assert await in_force(message_store) == 64

    async def test_backlog(self, message_store: StoreWorld) -> None:
        """With messages waiting another number does not start, and says what to do; drained it does."""
        world = message_store
        async with lanes(world, 64).kept():
            await world.keep("1", lanes=64)
        with pytest.raises(Unavailable) as caught:
            async with lanes(world, 32).kept():
                pass
        assert "1 messages wait in 64 lanes" in caught.value.text
        assert "HIE_LANES=64" in caught.value.text
        await world.journal.collection.update_many({}, {"$set": {"state": "paused"}})
        with pytest.raises(Unavailable, match="1 messages wait"):
            async with lanes(world, 32).kept():
                pass
        await world.journal.collection.update_many({}, {"$set": {"state": "committed"}})
        async with lanes(world, 32).kept():
            assert await in_force(world) == 32

    async def test_others_live(self, message_store: StoreWorld) -> None:
        """While another process uses the old number, nobody changes it; one that was killed is forgotten soon."""
        async with lanes(message_store, 64).kept():
            with pytest.raises(Unavailable, match="stop all of them first"):
                async with lanes(message_store, 32).kept():
                    pass
        killed = lanes(message_store, 64, seconds=0.0)
        await killed._announce()
        async with lanes(message_store, 32).kept():
            assert await in_force(message_store) == 32

    async def test_old_dead_letters(self, message_store: StoreWorld) -> None:
        """A dead letter is no backlog: it is replayed in the new lanes, behind what is older of the same patient."""
        world = message_store
        async with lanes(world, 97).kept():
            await world.keep("old", "dead", lanes=97)
        async with lanes(world, 4).kept():
            await Replaying(world.journal).run(Selection(), by="op")
            await world.keep("new")
            async with world.working():
                await world.until(2, state="committed")

        assert world.done == ["old", "new"]
