"""
Pages of drug supervision: a month of all facilities, the months of one, the rows behind each number, the rules.

Specification: region-1251 section 5; portal-ui section 7 (every figure opens).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

from starlette.responses import Response

from hie.applications.drug_supervision import words
from hie.applications.drug_supervision.figures import Figures
from hie.applications.drug_supervision.queries import KINDS, PAGE, Asked, Desk, Month
from hie.applications.drug_supervision.rules import ddds_on, rules_on
from hie.applications.drug_supervision.tasks import BASE, Office
from hie.applications.fhir import ZONE
from hie.applications.months import Period, period
from hie.applications.numbers import whole
from hie.applications.rule_data import Rules, rule_book
from hie.ui import N_, Count
from hie.ui.charts import Bar, Point
from hie.workbench.desk import Visit
from records.errors import NotFound

NOTHING = "–"


def address(page: str = "", **asked: object) -> str:
    """An address of the module; what is empty is left out."""
    query = urlencode({name: value for name, value in asked.items() if value not in ("", None)})
    return f"{BASE}{page}?{query}" if query else f"{BASE}{page}"


@dataclass(frozen=True, slots=True)
class Pages:
    """Handlers; `office` remembers months between requests."""

    office: Office

    async def overview(self, visit: Visit) -> Response:
        """GET: one month of all facilities."""
        asked, rules = month_of(visit), rules_on(month_of(visit).window.start)
        month = await self._desk(visit).month(asked.window)
        limit = Decimal(rules["use_density_at_most"])
        visit.note("operation", query=f"drug-supervision?month={asked.name}")
        return visit.render(
            "drug_supervision/overview.html", month=month, period=asked, rules=rules, limit=limit, words=words,
            counts=headlines(month.region, asked.name, rules), bars=bars(month, asked.name), address=address,
            is_over=asked.window.end <= today_of(visit),
        )  # fmt: skip

    async def facility(self, visit: Visit) -> Response:
        """GET: the months of one facility."""
        asked, key = month_of(visit), visit.query.get("facility", "")
        rules = rules_on(asked.window.start)
        months = await self._desk(visit).trend(asked.window, rules["trend_months"])
        place = next((found for month in reversed(months) if (found := month.place(key))), None)
        if place is None:
            raise NotFound("This facility dispensed nothing in these months.")
        visit.note("operation", query=f"drug-supervision/facility?month={asked.name}")
        lines = [(f"{month.window.start:%Y-%m}", month.place(key)) for month in months]
        series = [(name, line.figures) for name, line in lines if line]
        limit = Decimal(rules["use_density_at_most"])
        return visit.render(
            "drug_supervision/facility.html", place=place, period=asked, months=list(reversed(lines)), rules=rules,
            density=points([(name, one.density) for name, one in series], above=limit), limit=limit, words=words,
            essential=points([(name, one.variety_share) for name, one in series], below=place.target), address=address,
            current=dict(lines)[asked.name],
        )  # fmt: skip

    async def rows(self, visit: Visit) -> Response:
        """GET: the rows behind a number."""
        asked, kind = month_of(visit), visit.query.get("kind", "")
        problem = visit.query.get("problem", "")
        wanted = Asked(
            asked.window,
            visit.query.get("facility", ""),
            kind if kind in KINDS else "dispensings",
            problem if problem in words.PROBLEMS else "",
        )
        page = max(whole(visit.query.get("page", "")), 1)
        found = await self._desk(visit).rows(wanted, page)
        return visit.render(
            "drug_supervision/rows.html", found=found, asked=wanted, period=asked, page=page, words=words,
            address=address, last=max((found.total - 1) // PAGE + 1, 1),
        )  # fmt: skip

    async def rules(self, visit: Visit) -> Response:
        """GET: limits, and the index of daily doses, with source and whether that was checked."""
        today = today_of(visit)
        limits, doses = (rule_book("drug_supervision", name) for name in ("supervision", "ddd"))
        return visit.render(
            "drug_supervision/rules.html", limits=list(reversed(limits.versions)), doses=list(reversed(doses.versions)),
            current=(rules_on(today), ddds_on(today)), atc=lambda code: visit.work.terminology.display(ATC, code),
            atc_en=lambda code: visit.work.terminology.display(ATC, code, "en"),
        )  # fmt: skip

    def _desk(self, visit: Visit) -> Desk:
        return self.office.desk(visit.reader, visit.work.terminology, visit.work.clock())


ATC = "http://www.whocc.no/atc"


def today_of(visit: Visit) -> date:
    """Today in the region."""
    return visit.work.clock().astimezone(ZONE).date()


def month_of(visit: Visit) -> Period:
    """The month of an address; the present one where it names none."""
    today = today_of(visit)
    asked = period(visit.query.get("month", ""), today)
    return asked if len(asked.name) == len("2026-11") else period(f"{today:%Y-%m}", today)


def headlines(found: Figures, month: str, rules: Rules) -> list[Count]:
    """Six numbers, each with its rows."""

    def behind(kind: str) -> str:
        return address("/rows", month=month, kind=kind)

    over, essential = found.over_density(rules), behind("essential")
    return [
        Count(shown(found.density), N_("抗菌药物使用强度"), behind("antibacterials"), "bad" if over else "",
              N_("DDDs/100 人天")),
        Count(shown(found.variety_share, "%"), N_("基本药物品种占比"), essential, note=N_("期内发出的品种")),
        Count(shown(found.dispensing_share, "%"), N_("基本药物发药占比"), essential, note=N_("按发药次数")),
        Count(shown(found.amount_share, "%"), N_("基本药物金额占比"), essential, note=N_("仅计有价格的发药")),
        Count(found.bed_days, N_("住院床日"), behind("stays"), note=N_("以午夜计")),
        Count(found.uncounted, N_("未能计入"), behind("problems"), "warn" if found.uncounted else "", N_("见下方原因")),
    ]  # fmt: skip


def bars(month: Month, name: str) -> list[Bar]:
    """The density of each facility that had inpatients."""
    return [
        Bar(place.name or NOTHING, float(density), str(density), address("/facility", facility=place.key, month=name))
        for place in month.places
        if (density := place.figures.density) is not None
    ]


def points(
    values: Sequence[tuple[str, Decimal | None]], *, above: Decimal | None = None, below: int | None = None
) -> list[Point]:
    """A series of months; what misses its limit is marked."""
    found = []
    for name, value in values:
        if value is not None:
            over, under = above is not None and value > above, below is not None and value < below
            found.append(Point(name, float(value), str(value), "high" if over else "low" if under else ""))
    return found


def shown(value: Decimal | None, unit: str = "") -> str:
    """A share, or a dash where nothing can be divided."""
    return NOTHING if value is None else f"{value}{unit}"
