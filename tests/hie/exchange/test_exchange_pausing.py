"""Pausing a site: what it sends waits in order, and nobody else waits with it."""

from __future__ import annotations

import asyncio

from store_world import StoreWorld

from hie.exchange.pausing import BATCH, Pausing

SITE = "site-his-h01"


class TestPause:
    async def test_waits(self, message_store: StoreWorld) -> None:
        """Its messages wait, also those that come later; another site in the same lanes goes on; resumed in order."""
        world = message_store
        assert await world.pausing.pause(SITE, by="op", reason="upgrade")
        for number in range(6):
            await world.keep(f"p{number}", patient=f"L{number}")
            await world.keep(f"o{number}", sender="HIS|H02", patient=f"L{number}")
        async with world.working():
            await world.until(6, state="committed")
            await world.until(6, state="paused")
            await world.keep("p6", patient="L0")
            await world.until(7, state="paused")
            (paused,) = await world.pausing.listed()
            assert (paused.site, paused.by, paused.reason, paused.waiting) == (SITE, "op", "upgrade", 7)
            assert not await world.pausing.pause(SITE, by="other")
            assert await world.pausing.resume(SITE, by="op")
            await world.until(13, state="committed")

        assert sorted(world.done[:6]) == [f"o{n}" for n in range(6)]
        assert world.done.index("p0") < world.done.index("p6")
        assert await world.pausing.listed() == []
        assert not await world.pausing.resume(SITE, by="op")

    async def test_order_over_a_resume(self, message_store: StoreWorld) -> None:
        """What comes in while a long queue is put back never overtakes it."""
        world = message_store
        await world.pausing.pause(SITE, by="op")
        for number in range(30):
            await world.keep(f"{number:03}")
        async with world.working(world.worker("one"), world.worker("two", Pausing(world.client, world.prefix))):
            await world.until(30, state="paused")
            resuming = asyncio.create_task(world.pausing.resume(SITE, by="op"))
            for number in range(30, 50):
                await world.keep(f"{number:03}")
            await resuming
            await world.until(50, state="committed")

        assert world.done == [f"{n:03}" for n in range(50)]

    async def test_merge_of_a_paused_site(self, message_store: StoreWorld) -> None:
        """A merge of a paused site holds back nobody else, and waits for nobody who is paused."""
        world = message_store
        await world.pausing.pause(SITE, by="op")
        merge = await world.keep("merge", patient="L1")
        lane = (merge.lane + 1) % 4
        await world.journal.collection.update_one({"_id": merge.id}, {"$set": {"also": lane}})
        for number in range(8):
            await world.keep(f"o{number}", sender="HIS|H02", patient=f"L{number}")
        async with world.working():
            await world.until(8, state="committed")

    async def test_resume_cut_off(self, message_store: StoreWorld) -> None:
        """A resume whose process died is finished by any worker."""
        world = message_store
        await world.pausing.pause(SITE, by="op")
        await world.keep("1")
        await world.pausing.settle()
        flags = world.client[f"{world.prefix}_exchange"]["paused_sites"]
        await flags.update_one({"_id": SITE}, {"$set": {"state": "resuming"}})
        async with world.working():
            await world.until(1, state="committed")

        assert await world.pausing.listed() == []

    async def test_many(self, message_store: StoreWorld) -> None:
        """More than one batch is put aside and put back."""
        world = message_store
        await world.pausing.pause(SITE, by="op")
        first = await world.keep("0")
        document = await world.journal.collection.find_one({"_id": first.id})
        assert document is not None
        more = [document | {"_id": world.journal.next_id(), "key": str(n)} for n in range(BATCH + 5)]
        await world.journal.collection.insert_many(more)

        await world.pausing.settle()
        assert await world.count(state="paused") == BATCH + 6
        await world.pausing.resume(SITE, by="op")
        assert await world.count(state="pending") == BATCH + 6
