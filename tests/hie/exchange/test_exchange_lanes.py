"""Lanes and leases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from pymongo import AsyncMongoClient

from hie.exchange.inbound import InboundMessage
from hie.exchange.lanes import lane_of, ready
from hie.exchange.leases import Leases


def message(number: int, lane: int) -> InboundMessage:
    """A pending message."""
    return InboundMessage(f"{number:03}", "mllp", datetime.now(UTC), b"", lane=lane)


class TestLaneOf:
    def test_facility(self) -> None:
        """Two applications of one hospital speak of a patient in the same lane; patients spread over lanes."""
        assert lane_of("HIS|H1", "1^H1", 64) == lane_of("LIS|H1", "1^H1", 64)
        assert len({lane_of("HIS|H1", str(n), 64) for n in range(1000)}) == 64


class TestReady:
    def test_order(self) -> None:
        """Each lane keeps its order."""
        queues = ready([message(1, 5), message(2, 6), message(3, 5)], [])
        assert [one.id for one in queues[5]] == ["001", "003"]

    def test_merge_holds_back(self) -> None:
        """A merge of another lane holds back what is younger than it, and nothing older."""
        queues = ready([message(1, 5), message(3, 5), message(2, 6)], [("002", 6, 5)])

        assert [one.id for one in queues[5]] == ["001"]
        assert [one.id for one in queues[6]] == ["002"]


class TestLeases:
    async def test_share(self, mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> None:
        """One worker has all lanes; a second gets its half once the first gives up what is too much."""
        one, two = (Leases(mongo, database_prefix, "lanes", name) for name in ("one", "two"))
        names = range(8)

        held = await one.hold(names)
        assert held == frozenset(names)
        assert await two.hold(names) == frozenset()
        assert await one.surplus(names, held) == 4
        await one.give_up(sorted(held)[:4])
        assert await two.hold(names) == frozenset(sorted(held)[:4])
        assert len(await one.hold(names)) == 4

    async def test_take_over(self, mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> None:
        """What a killed worker held is taken over when its lease runs out."""
        dead = Leases(mongo, database_prefix, "lanes", "dead", seconds=0.3)
        alive = Leases(mongo, database_prefix, "lanes", "alive")
        await dead.hold(range(4))
        await asyncio.sleep(0.5)

        assert await alive.hold(range(4)) == frozenset(range(4))
        assert await dead.hold(range(4)) == frozenset()

    async def test_race(self, mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> None:
        """No lane is ever held twice."""
        several = [Leases(mongo, database_prefix, "lanes", str(n)) for n in range(4)]
        held = await asyncio.gather(*(leases.hold(range(16)) for leases in several))

        assert sum(map(len, held)) == len(frozenset().union(*held))
