"""Worklist, counts and the timely report rate, out of a real store."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from public_health_world import AUTHOR, COMPLETE, H2, NOW, World, diagnosis, patient

from hie.applications.public_health import use_cases
from hie.applications.public_health.indicators import report_timeliness
from hie.applications.public_health.queries import Asked, counts, evidence, tally, worklist
from hie.indicators.catalogue import catalogue
from hie.indicators.indicator import Window, evaluate
from terminology.service import terminology

HOUR = timedelta(hours=1)
NOVEMBER = Window.month(2026, 11)


async def ill(region: World) -> None:
    """One overdue, one due within two hours, one tomorrow, one reported in time, one late, one dismissed."""
    cases = [
        ("a", "A00.9", 3 * HOUR), ("b", "A00.9", HOUR), ("c", "B08.4", HOUR), ("d", "A23.9", HOUR),
        ("e", "A20.9", 3 * HOUR), ("f", "B05.9", HOUR),
    ]  # fmt: skip
    for name, code, ago in cases:
        place = {"place": H2} if name == "c" else {}
        await region.tell(patient(f"p{name}", **place), diagnosis(f"c{name}", f"p{name}", code, ago=ago))
    for card in await region.cards():
        opened = await use_cases.open_card(region.work, region.reader, card.id)
        version = opened.row.version
        if card.patient in ("pd", "pe"):
            await use_cases.save(region.work, opened, COMPLETE, version=version, author=AUTHOR, report=True)
        if card.patient == "pf":
            await use_cases.decide(region.work, opened, "dismiss", "排除", version=version, author=AUTHOR)


class TestWorklist:
    async def test_counts(self, region: World) -> None:
        """Overdue, due within two hours, drafts, reported, dismissed."""
        await ill(region)

        assert await counts(region.reader, NOW) == {
            "overdue": 1, "soon": 1, "draft": 3, "returned": 0, "reported": 2, "dismissed": 1, "all": 6,
        }  # fmt: skip

    async def test_order(self, region: World) -> None:
        """What is due first stands first, late ones are marked, and names are there."""
        await ill(region)
        found = await worklist(region.reader, terminology(), Asked("draft"), NOW)

        assert [line.card.patient for line in found.lines] == ["pa", "pb", "pc"]
        assert [line.late for line in found.lines] == [True, False, False]
        assert (found.lines[0].name, found.lines[0].legal_class) == ("居民pa", "甲")
        assert found.lines[2].facility == "高青县人民医院"

    async def test_narrowed(self, region: World) -> None:
        """A count of a disease, a district or a month opens as its list."""
        await ill(region)
        cholera = await worklist(region.reader, terminology(), Asked(disease="0200"), NOW)
        gaoqing = await worklist(region.reader, terminology(), Asked(district="370322"), NOW)
        october = await worklist(region.reader, terminology(), Asked(window=Window.month(2026, 10)), NOW)

        assert (cholera.total, gaoqing.total, october.total) == (2, 1, 0)

    async def test_people_are_audited(self, region: World) -> None:
        """Whose name is shown is remembered as seen; a count shows nobody."""
        await ill(region)
        reader = region.reader
        await tally(reader, terminology(), NOVEMBER)
        assert reader.seen == {}

        await worklist(reader, terminology(), Asked("overdue"), NOW)
        assert "Patient/pa" in reader.seen
        assert "Patient/pb" not in reader.seen

    async def test_evidence(self, region: World) -> None:
        """The diagnosis behind a card."""
        await ill(region)
        card = next(card for card in await region.cards() if card.patient == "pa")

        assert [one["id"] for one in await evidence(region.reader, card)] == ["ca"]


class TestTally:
    async def test_month(self, region: World) -> None:
        """By disease and district, without what was dismissed; every district is there, also with nobody."""
        await ill(region)
        found = await tally(region.reader, terminology(), NOVEMBER)

        assert {disease.name: count for disease, count in found.by_disease} == {
            "霍乱": 2, "手足口病": 1, "布鲁氏菌病": 1, "鼠疫": 1,
        }  # fmt: skip
        districts = {code: count for code, _, count in found.by_district}
        assert (len(districts), districts["370303"], districts["370322"], districts["370302"]) == (8, 4, 1, 0)
        assert (found.total, found.elsewhere, found.reported, found.dismissed) == (5, 0, 2, 1)
        assert found.cells["0200", "370303"] == 2

    async def test_border_of_the_month(self, region: World) -> None:
        """A card drafted after midnight in the region belongs to the new day, though it is yesterday in Greenwich."""
        region.clock.at = NOW.replace(month=10, day=31, hour=17)
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A00.9", ago=timedelta(days=24)))

        assert (await tally(region.reader, terminology(), NOVEMBER)).total == 1


class TestTimeliness:
    async def test_rate(self, region: World) -> None:
        """In time over those that were due; not yet due is no part, and what was dismissed is listed as excluded."""
        await ill(region)
        found = await report_timeliness(region.reader, NOVEMBER, NOW)
        value = evaluate(catalogue()["report-timeliness"], found, NOVEMBER)

        assert (value.numerator, value.denominator, value.value) == (Decimal(1), Decimal(3), Decimal("33.3"))
        assert [row.flag for row in found.excluded] == ["dismissed"]

    async def test_by_facility(self, region: World) -> None:
        """Each reporting institution has its own rate, once something was due there."""
        await ill(region)
        found = await report_timeliness(region.reader, NOVEMBER, NOW + 30 * HOUR)

        assert found.facilities == ("Organization/h1", "Organization/h2")
        assert evaluate(catalogue()["report-timeliness"], found, NOVEMBER, H2).value == Decimal("0.0")
