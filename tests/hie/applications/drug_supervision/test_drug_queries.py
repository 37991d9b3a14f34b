"""A month of a region, added up from a real store; every number opens, and nothing that is missing is silent."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from drug_world import H1, H2, NOVEMBER, NOW, coded, desk, dispense, stay, store_with
from pymongo import AsyncMongoClient

from hie.applications.drug_supervision.indicators import collectors
from hie.applications.drug_supervision.queries import Asked, Month, before
from hie.applications.drug_supervision.rules import rules_on
from hie.applications.work import Reader
from hie.indicators.catalogue import catalogue
from hie.indicators.indicator import Window, evaluate
from records.stored import Json
from terminology.service import terminology

Mongo = AsyncMongoClient[dict[str, Any]]
RULES = rules_on(date(2026, 11, 24))


def scene() -> list[Json]:
    """H1: a long stay with meropenem; H2: outpatients, and rows that cannot be counted."""
    local = {"coding": [{"system": "urn:hie:code-system:x", "code": "Y77"}], "text": "某药"}
    price = {
        "resourceType": "ChargeItem", "id": "c1", "status": "billed", "code": {"text": "药品"},
        "subject": {"reference": "Patient/p1"}, "service": [{"reference": "MedicationDispense/m1"}],
        "priceOverride": {"value": Decimal("50.50"), "currency": "CNY"},
    }  # fmt: skip
    return [
        stay("in1", "2026-10-20T08:00:00+08:00", "2026-11-21T10:00:00+08:00"),
        stay("in2", "2026-11-01T08:00:00+08:00", "2026-11-03T10:00:00+08:00", place=H2),
        stay("old", "2026-01-02T08:00:00+08:00", place=H2),
        stay("out1", "2026-11-05T08:00:00+08:00", "2026-11-05T09:00:00+08:00", kind="AMB", place=H2),
        dispense("m1", coded("D0021"), "96", "支", visit="in1"),
        dispense("m2", coded("D0025"), "28", "片", visit="in1"),
        dispense("m3", coded("D0001"), "24", "粒", visit="out1", place=H2),
        dispense("m4", local, "1", "盒", visit="in2", place=""),
        dispense("m5", coded("D0008"), "2", "盒", visit="in2", place=H2),
        dispense("m6", coded("D0001"), "24", "粒", place=H2),
        dispense("m7", coded("D0001"), "24", "粒", visit="in1", status="cancelled"),
        dispense("m8", coded("D0021"), "6", "支", visit="in1", at="2026-10-31T16:30:00+08:00"),
        dispense("m9", coded("D0025"), "28", "片", place=H2, at="2026-11-30"),
        price,
    ]


async def november(mongo: Mongo, prefix: str) -> Month:
    return await desk(await store_with(mongo, prefix, *scene())).month(NOVEMBER)


class TestMonth:
    async def test_density(self, mongo: Mongo, database_prefix: str) -> None:
        """96 vials of 0.5 g are 16 doses on 20 midnights; the month before is not in it."""
        found = await november(mongo, database_prefix)
        place = found.place(H1)

        assert place is not None
        assert (place.figures.ddds, place.figures.bed_days) == (Decimal(16), 20)
        assert place.figures.density == Decimal("80.0")
        assert place.name == "淄博市中心医院"

    async def test_shares(self, mongo: Mongo, database_prefix: str) -> None:
        """Varieties are told apart by drug; the amount speaks of what has a price."""
        found = await november(mongo, database_prefix)
        place = found.place(H1)

        assert place is not None
        assert (place.figures.essential_varieties, place.figures.varieties) == (1, 2)
        assert place.figures.variety_share == Decimal("50.0")
        assert (place.figures.amount, place.figures.unpriced) == (Decimal("50.50"), 1)
        assert place.target == 60
        assert place.misses_essential()

    async def test_nothing_is_silent(self, mongo: Mongo, database_prefix: str) -> None:
        """Unmapped, boxes of unknown size, no visit, a stay without end: each is counted as what it is."""
        found = await november(mongo, database_prefix)
        place = found.place(H2)

        assert place is not None
        problems = {name: count for name, count in place.figures.problems.items() if name != "missing-price"}
        assert problems == {"unmapped-drug": 1, "unit-mismatch": 1, "unknown-setting": 1, "never-ended": 1}
        assert place.figures.dispensings == 5
        assert place.figures.uncounted == 4

    async def test_small_sample(self, mongo: Mongo, database_prefix: str) -> None:
        """Twenty bed-days are too few to call a hospital over the limit."""
        found = await november(mongo, database_prefix)

        assert found.region.density == Decimal("72.7")
        assert found.over(RULES) == []

    async def test_over(self, mongo: Mongo, database_prefix: str) -> None:
        """A density over the limit with enough bed-days is called that."""
        stays = [stay(f"s{n}", "2026-11-01T08:00:00+08:00", "2026-11-30T08:00:00+08:00") for n in range(4)]
        given = [dispense(f"d{n}", coded("D0021"), "96", "支", visit="s1") for n in range(4)]
        found = await desk(await store_with(mongo, database_prefix, *stays, *given), NOW + timedelta(days=9)).month(
            NOVEMBER
        )

        assert [place.key for place in found.over(RULES)] == [H1]
        assert found.region.density == Decimal("55.2")

    async def test_remembered(self, mongo: Mongo, database_prefix: str) -> None:
        """A page and its chart count a month once."""
        one = desk(await store_with(mongo, database_prefix, *scene()))

        assert await one.month(NOVEMBER) is await one.month(NOVEMBER)
        assert [month.window for month in await one.trend(NOVEMBER, 2)] == [before(NOVEMBER), NOVEMBER]

    async def test_undated(self, mongo: Mongo, database_prefix: str) -> None:
        """A dispensing without a time belongs to no month, and is told beside the month that it came in."""
        undated = dispense("m1", coded("D0001"), "24", "粒")
        del undated["whenHandedOver"]
        store = await store_with(mongo, database_prefix, undated)
        row = await store.read("MedicationDispense", "m1")
        month = Window.month(row.updated.year, row.updated.month)
        found = await desk(store, row.updated).month(month)

        assert (found.undated, found.region.dispensings) == (1, 0)

    async def test_trend(self, mongo: Mongo, database_prefix: str) -> None:
        """Several months in one pass are the same months as one by one."""
        store = await store_with(mongo, database_prefix, *scene())
        together = await desk(store).trend(NOVEMBER, 3)
        apart = [await desk(store).month(month.window) for month in together]

        assert [month.region for month in together] == [month.region for month in apart]
        assert [month.region.bed_days for month in together] == [0, 12, 22]
        assert [month.region.ddds for month in together] == [0, 1, 16]

    async def test_stay_without_any_time(self, mongo: Mongo, database_prefix: str) -> None:
        """An inpatient of whom no time is known is shown in the month that told of it."""
        timeless = {**stay("s1", "2026-11-01"), "period": {}}
        del timeless["period"]
        store = await store_with(mongo, database_prefix, timeless)
        told = (await store.read("Encounter", "s1")).updated
        found = await desk(store, told).month(Window.month(told.year, told.month))

        assert found.region.problems == {"missing-admission": 1}

    async def test_nobody_is_shown(self, mongo: Mongo, database_prefix: str) -> None:
        """Adding up looks at no person: only facilities are remembered as read."""
        one = desk(await store_with(mongo, database_prefix, *scene()))
        await one.month(NOVEMBER)

        assert {row.type for row in one.reader.seen.values()} == {"Organization"}


class TestRows:
    async def test_numerator(self, mongo: Mongo, database_prefix: str) -> None:
        """The rows behind the doses add up to the number, and are read before they are shown."""
        one = desk(await store_with(mongo, database_prefix, *scene()))
        found = await one.rows(Asked(NOVEMBER, H1, "antibacterials"), 1)

        assert [(line.reference, line.ddds) for line in found.lines] == [("MedicationDispense/m1", Decimal(16))]
        assert found.ddds == Decimal(16)
        assert "MedicationDispense/m1" in one.reader.seen

    async def test_denominator(self, mongo: Mongo, database_prefix: str) -> None:
        """The stays behind the bed-days, and those that count none."""
        one = desk(await store_with(mongo, database_prefix, *scene()))
        counted = await one.rows(Asked(NOVEMBER, "", "stays"), 1)
        left_out = await one.rows(Asked(NOVEMBER, "", "stays", "never-ended"), 1)

        assert (counted.total, counted.days) == (2, 22)
        assert [line.reference for line in left_out.lines] == ["Encounter/old"]

    async def test_problem(self, mongo: Mongo, database_prefix: str) -> None:
        """Each kind of problem opens its rows."""
        one = desk(await store_with(mongo, database_prefix, *scene()))
        found = await one.rows(Asked(NOVEMBER, H2, "problems", "unit-mismatch"), 1)

        assert [line.reference for line in found.lines] == ["MedicationDispense/m5"]
        assert (await one.rows(Asked(NOVEMBER, "", "problems"), 1)).total == 3

    async def test_pages(self, mongo: Mongo, database_prefix: str) -> None:
        """Fifty rows a page; the sum is of all pages."""
        given = [dispense(f"d{n:03d}", coded("D0001"), "6", "粒", place=H2) for n in range(60)]
        one = desk(await store_with(mongo, database_prefix, *given))
        first, second = await one.rows(Asked(NOVEMBER, H2), 1), await one.rows(Asked(NOVEMBER, H2), 2)

        assert (len(first.lines), len(second.lines), second.total) == (50, 10, 60)


class TestIndicators:
    async def test_density(self, mongo: Mongo, database_prefix: str) -> None:
        """The engine gets the same figure, with the rows on both sides and those left out."""
        store = await store_with(mongo, database_prefix, *scene())
        collect = collectors(terminology(), lambda: date(2026, 11, 24))["antibacterial-use-density"]
        evidence = await collect(Reader(store), NOVEMBER)
        value = evaluate(catalogue()["antibacterial-use-density"], evidence, NOVEMBER, H1)

        assert value.value == Decimal("80.0")
        assert {row.flag for row in evidence.excluded} == {
            "unmapped-drug", "unit-mismatch", "unknown-setting", "never-ended",
        }  # fmt: skip

    async def test_essential(self, mongo: Mongo, database_prefix: str) -> None:
        """Varieties by facility, and amounts of what has a price."""
        store = await store_with(mongo, database_prefix, *scene())
        made = collectors(terminology(), lambda: date(2026, 11, 24))
        varieties = await made["essential-variety"](Reader(store), NOVEMBER)
        amounts = await made["essential-amount"](Reader(store), NOVEMBER)

        assert evaluate(catalogue()["essential-variety"], varieties, NOVEMBER, H1).value == Decimal("50.0")
        assert evaluate(catalogue()["essential-amount"], amounts, NOVEMBER).value == Decimal("0.0")
        assert len(amounts.excluded) == 6
