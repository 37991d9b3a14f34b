"""Replays by selection: what is chosen, in order, once each; in the lanes of today."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from store_world import LANES, StoreWorld

from hie.exchange.lane_count import LaneCount
from hie.exchange.lanes import lane_of
from hie.exchange.pausing import Pausing
from hie.exchange.replaying import Replaying, Selection


class TestReplaying:
    async def test_selection(self, message_store: StoreWorld) -> None:
        """By state, site, type, time; together they narrow; a dry run counts and changes nothing."""
        world = message_store
        await world.keep("1", "dead")
        await world.keep("2", "committed", sender="LIS|H01", kind="ORU^R01")
        world.clock.at += timedelta(days=2)
        await world.keep("3", "kept")
        await world.keep("4", "rejected")
        replaying = Replaying(world.journal)

        expected = {
            Selection(): 3, Selection(states=("dead",)): 1, Selection(site="site-lis-h01"): 1,
            Selection(type="ORU^R01"): 1, Selection(since=world.clock.at): 1, Selection(until=world.clock.at): 2,
            Selection(until=world.clock.at, type="ADT^A01"): 1, Selection(site="nobody"): 0,
        }  # fmt: skip
        for selection, count in expected.items():
            counts = await replaying.counts(selection)
            assert sum(counts.values()) == count, selection
        assert await world.count(state="pending") == 0
        assert await replaying.run(Selection(type="ORU^R01"), by="op") == 1
        found = await world.journal.collection.find_one({"control": "2"})
        assert found is not None
        assert [one["by"] for one in found["released"]] == ["op"]

    async def test_order_and_progress(self, message_store: StoreWorld) -> None:
        """Many batches, the oldest first, while two workers carry them: each lane in its order, each message once."""
        world = message_store
        for number in range(120):
            await world.keep(f"{number:03}", "committed", patient=f"L{number % 6}")
        told: list[int] = []
        async with world.working(world.worker("one"), world.worker("two", Pausing(world.client, world.prefix))):
            assert await Replaying(world.journal, batch=7).run(Selection(), by="op", tell=told.append) == 120
            await world.until(120, state="committed")

        assert told == [*range(7, 120, 7), 120]
        assert sorted(world.done) == [f"{n:03}" for n in range(120)]
        for patient in range(6):
            mine = [one for one in world.done if int(one) % 6 == patient]
            assert mine == sorted(mine)

    async def test_two_at_once(self, message_store: StoreWorld) -> None:
        """Two people who replay the same do it once."""
        world = message_store
        for number in range(40):
            await world.keep(str(number), "dead")
        done = await asyncio.gather(*(
            Replaying(world.journal, batch=5).run(Selection(), by=by) for by in ("a", "b")
        ))  # fmt: skip

        assert sum(done) == 40
        assert await world.count(state="pending") == 40

    async def test_other_lanes(self, message_store: StoreWorld) -> None:
        """A message of a time of other lanes goes into the patient's lane of today."""
        world = message_store
        old = await world.keep("1", "dead", lanes=97, patient="L5")
        await world.journal.collection.update_one({"_id": old.id}, {"$set": {"also": 96}})
        async with LaneCount(world.client, world.prefix, LANES).kept():
            await Replaying(world.journal).run(Selection(), by="op")

        found = await world.journal.collection.find_one({"_id": old.id})
        assert found is not None
        assert (found["lane"], found["lanes"]) == (lane_of("HIS|H01", "L5", LANES), LANES)
        assert "also" not in found
