"""Control and timeliness of follow-up, through the indicator engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from primary_care_world import AUTHOR, CLINIC, NOW, NUMBER, World, form, hypertension, patient
from pymongo import AsyncMongoClient

from hie.applications.primary_care import use_cases
from hie.applications.primary_care.figures import COLLECTORS
from hie.indicators.engine import Indicators
from hie.indicators.indicator import Window

YEAR = Window(date(2026, 1, 1), date(2027, 1, 1))


@pytest.fixture
async def world(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> AsyncIterator[World]:
    one = await World(mongo, database_prefix).start()
    await one.tell(patient("a", home=CLINIC, number=NUMBER), patient("b", home=CLINIC))
    await one.tell(hypertension("c", "a"), hypertension("d", "b"))
    yield one


@pytest.fixture
def engine(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str, world: World) -> Indicators:
    return Indicators(mongo, database_prefix, world.clock, COLLECTORS)


async def visit(world: World, of: str, systolic: int, ago: int = 0) -> None:
    (task,) = await world.tasks(("status", "requested"), ("patient", f"Patient/{of}"))
    filled = form(systolic, 80, day=NOW - timedelta(days=ago))
    version = int(task["meta"]["versionId"])
    await use_cases.record(world.work, world.reader, task["id"], filled, version=version, author=AUTHOR)


class TestControl:
    async def test_last_visit(self, world: World, engine: Indicators) -> None:
        """A person counts once, by the last visit of the window."""
        await visit(world, "a", 160, ago=30)
        await visit(world, "a", 130)
        await visit(world, "b", 160)
        found = await engine.value("hypertension-control", YEAR, world.reader)

        assert (found.numerator, found.denominator, found.value) == (1, 2, Decimal("50.0"))
        assert found.evidence.facilities == ("Organization/org-370303-C01",)

    async def test_window(self, world: World, engine: Indicators) -> None:
        """Another year knows nothing of it: no rate, not a rate of zero."""
        await visit(world, "a", 130)
        found = await engine.value(
            "hypertension-control", Window(date(2025, 1, 1), date(2026, 1, 1)), world.reader
        )

        assert found.value is None

    async def test_opens(self, world: World, engine: Indicators) -> None:
        """Every row behind the figure is a Task that can be read."""
        await visit(world, "a", 130)
        found = await engine.value("hypertension-control", YEAR, world.reader)
        for row in found.evidence.denominator:
            assert (await world.reader.read(*row.reference.split("/"))).type == "Task"


class TestOnTime:
    async def test_late(self, world: World, engine: Indicators) -> None:
        """One who came on the day is in time; one who still has not come is in the denominator."""
        await visit(world, "a", 130)
        found = await engine.value("hypertension-on-time", Window.month(2026, 11), world.reader)

        assert (found.numerator, found.denominator) == (1, 2)
