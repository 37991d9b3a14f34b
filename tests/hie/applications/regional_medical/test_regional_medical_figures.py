"""Answers in time and returns to the base, through the indicator engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from regional_medical_world import ASKED, FAMILY, HOSPITAL, SPECIALIST, World

from hie.applications.regional_medical.figures import COLLECTORS
from hie.indicators.engine import Indicators
from hie.indicators.indicator import Window

MONTH = Window.month(2026, 11)


@pytest.fixture
async def world(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> AsyncIterator[World]:
    yield await World(mongo, database_prefix).start()


@pytest.fixture
def engine(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str, world: World) -> Indicators:
    return Indicators(mongo, database_prefix, world.clock, COLLECTORS)


class TestAnswered:
    async def test_limit(self, world: World, engine: Indicators) -> None:
        """An answer counts by its own limit; what is unanswered is not in time; what was withdrawn is not counted."""
        early, late, _, withdrawn = [await world.begin(key=str(number)) for number in range(4)]
        await world.go(withdrawn, FAMILY, "cancel", "撤回")
        world.clock.pass_(minutes=30)
        await world.go(early, SPECIALIST, "accept")
        world.clock.pass_(minutes=1)
        await world.go(late, SPECIALIST, "refuse", "无床位")
        found = await engine.value("referral-answered-in-time", MONTH, world.reader)

        assert (found.numerator, found.denominator) == (1, 3)
        assert (found.flags, found.evidence.facilities) == (("withdrawn",), (HOSPITAL,))

    async def test_window(self, world: World, engine: Indicators) -> None:
        """Drafts were never submitted; another month has nothing."""
        await world.begin(submit=False)
        await world.begin(key="sent")

        assert (await engine.value("referral-answered-in-time", MONTH, world.reader)).denominator == 1
        december = await engine.value("referral-answered-in-time", Window.month(2026, 12), world.reader)
        assert december.value is None


class TestReturned:
    async def test_up_only(self, world: World, engine: Indicators) -> None:
        """Of those sent up, the ones the base took back; a patient sent down is not asked for."""
        back, _ = await world.begin(key="1"), await world.begin(key="2")
        down = await world.begin(replace(ASKED, direction="down"), key="3")
        await world.go_up(back, "accept", "arrive", "admit", "propose-down")
        await world.go_up(down, "accept", "arrive", "admit", "finish")
        await world.go(back, FAMILY, "close", "已随访")
        found = await engine.value("referral-returned-down", MONTH, world.reader)

        assert (found.numerator, found.denominator) == (1, 2)
