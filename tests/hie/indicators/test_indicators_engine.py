"""One engine, a window always, and closed periods that stay as they were."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from hie.errors import Unprocessable
from hie.indicators.catalogue import catalogue
from hie.indicators.engine import Indicators, Source
from hie.indicators.indicator import Evidence, Row, Window, evaluate
from records.stored import Json

MARCH = Window.month(2026, 3)


class Nothing:
    """A source that nobody asks."""

    async def all(self, resource_type: str, *params: tuple[str, str]) -> list[Json]:
        raise AssertionError("a closed period is not collected again")


def rows(*facilities: str) -> tuple[Row, ...]:
    return tuple(Row(f"Encounter/{number}", name) for number, name in enumerate(facilities))


class TestWindow:
    def test_december(self) -> None:
        """December ends with the year."""
        assert Window.month(2026, 12) == Window(date(2026, 12, 1), date(2027, 1, 1))
        assert Window.month(2026, 2).days == 28

    def test_backwards(self) -> None:
        """A window that ends before it starts is refused."""
        with pytest.raises(Unprocessable):
            Window(date(2026, 3, 1), date(2026, 3, 1))

    def test_bounds(self) -> None:
        """The first day is in, the last boundary is out."""
        assert MARCH.holds(date(2026, 3, 1))
        assert not MARCH.holds(date(2026, 4, 1))


class TestEvaluate:
    def test_rate(self) -> None:
        """A rate is its rows above over its rows below, times the scale."""
        value = evaluate(catalogue()["hypertension-control"], Evidence(rows("a"), rows("a", "b", "b")), MARCH)

        assert value.value == Decimal("33.3")
        assert (value.numerator, value.denominator) == (Decimal(1), Decimal(3))

    def test_no_denominator(self) -> None:
        """Nobody to count is no rate, not a rate of zero."""
        assert evaluate(catalogue()["hypertension-control"], Evidence(), MARCH).value is None

    def test_facility(self) -> None:
        """A facility's figure rests on its own rows alone."""
        value = evaluate(catalogue()["hypertension-control"], Evidence(rows("a"), rows("a", "b", "b")), MARCH, "a")

        assert value.value == 100
        assert len(value.evidence.denominator) == 1

    def test_excluded(self) -> None:
        """What could not be counted is shown by its reason."""
        evidence = Evidence(rows("a"), rows("a"), (Row("MedicationDispense/1", "a", Decimal(0), "missing-ddd"),))

        assert evaluate(catalogue()["antibacterial-use-density"], evidence, MARCH).flags == ("missing-ddd",)


class TestCatalogue:
    def test_honest(self) -> None:
        """Every definition has both names, a version and a source; none claims to be verified."""
        for indicator in catalogue().values():
            assert indicator.zh
            assert indicator.en
            assert indicator.version
            assert indicator.source
            assert not indicator.verified


class TestIndicators:
    async def test_frozen(self, mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> None:
        """A closed period shows the same rows though the world goes on."""
        world = [Evidence(rows("a"), rows("a", "b")), Evidence(rows("a", "b"), rows("a", "b"))]

        async def collect(_source: Source, _window: Window) -> Evidence:
            return world.pop(0)

        engine = Indicators(mongo, database_prefix, lambda: datetime(2026, 4, 2, tzinfo=UTC), {"bed-use": collect})
        closed = await engine.freeze("bed-use", MARCH, Nothing())
        again = await engine.freeze("bed-use", MARCH, Nothing())
        shown = await engine.by_facility("bed-use", MARCH, Nothing())

        assert closed.value == again.value == shown[0].value == 50
        assert closed.frozen == datetime(2026, 4, 2, tzinfo=UTC)
        assert [value.facility for value in shown] == ["", "a", "b"]
        assert len(world) == 1

    async def test_too_early(self, mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> None:
        """A running month is not closed."""

        async def collect(_source: Source, _window: Window) -> Evidence:
            return Evidence()

        engine = Indicators(mongo, database_prefix, lambda: datetime(2026, 3, 31, tzinfo=UTC), {"bed-use": collect})

        with pytest.raises(Unprocessable):
            await engine.freeze("bed-use", MARCH, Nothing())

    async def test_unknown(self, mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> None:
        """An indicator that nobody defined is refused."""
        engine = Indicators(mongo, database_prefix, lambda: datetime(2026, 4, 2, tzinfo=UTC), {})

        with pytest.raises(Unprocessable):
            await engine.value("nonsense", MARCH, Nothing())
