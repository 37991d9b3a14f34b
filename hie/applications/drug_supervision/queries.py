"""
What the supervising pharmacist sees: a month of all facilities, the months of one, and the rows behind each number.

Specification: region-1251 section 5; portal-ui section 7 (every figure opens).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from hie.applications.drug_supervision.dispensing import UNKNOWN_FACILITY, Dispensing
from hie.applications.drug_supervision.figures import OF_AMOUNT, Figures, Tally, figures, is_judged
from hie.applications.drug_supervision.reading import Counted, Ledger, Quiet
from hie.applications.drug_supervision.remembered import Remembered
from hie.applications.drug_supervision.rules import Problem, essential_target, rules_on
from hie.applications.fhir import ZONE, reference_id
from hie.applications.rule_data import Rules
from hie.applications.work import Reader
from hie.indicators.indicator import Window
from terminology.service import Terminology

CLOSED, RUNNING = timedelta(minutes=10), timedelta(seconds=20)
KINDS = ("dispensings", "essential", "antibacterials", "stays", "problems")
PAGE = 50


@dataclass(frozen=True, slots=True)
class Place:
    """One facility's line; `key` is its reference, or the name that a sender without registration gave."""

    key: str
    name: str
    level: str
    figures: Figures
    target: int | None

    def misses_essential(self) -> bool:
        """Below the share of varieties for its level."""
        found = self.figures.variety_share
        return self.target is not None and found is not None and found < self.target


@dataclass(frozen=True, slots=True)
class Month:
    """One month of the region. `undated` dispensings say no time and are counted nowhere."""

    window: Window
    region: Figures
    places: Sequence[Place]
    undated: int
    at: datetime

    def over(self, rules: Rules) -> Sequence[Place]:
        """Facilities above the limit of the density."""
        return [one for one in self.places if one.figures.over_density(rules)]

    def place(self, key: str) -> Place | None:
        """One facility's line."""
        return next((one for one in self.places if one.key == key), None)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows: of which month and facility (empty: all), of which kind, and of which problem."""

    window: Window
    facility: str = ""
    kind: str = "dispensings"
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One row behind a number; of a stay, `days` and no drug."""

    reference: str
    at: datetime | date | None
    facility: str
    drug: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    ddds: Decimal | None = None
    days: int | None = None
    setting: str = ""
    essential: bool | None = None
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class Lines:
    """One page of rows, with the sums over all pages."""

    lines: Sequence[Line]
    total: int
    ddds: Decimal
    days: int
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Desk:
    """Asks for one request. Figures are remembered by month and by what the caller may see."""

    reader: Reader
    terminology: Terminology
    now: datetime
    remembered: Remembered[Month]

    @property
    def today(self) -> date:
        return self.now.astimezone(ZONE).date()

    async def month(self, window: Window) -> Month:
        """All facilities in a month, the largest use first."""
        return (await self.months([window]))[0]

    async def trend(self, last: Window, months: int) -> Sequence[Month]:
        """The months up to one, oldest first."""
        windows = [last]
        while len(windows) < months:
            windows.append(before(windows[-1]))
        return await self.months(list(reversed(windows)))

    async def months(self, windows: Sequence[Window]) -> Sequence[Month]:
        """Several months in a row; what is not remembered is added up in one pass over the stores."""
        sight = await self.reader.sight("MedicationDispense", "search"), await self.reader.sight("Encounter", "search")
        known = {window: self.remembered.get((window, sight), self.now) for window in windows}
        if missing := [window for window, month in known.items() if month is None]:
            for month in await self._count(missing):
                keep = CLOSED if month.window.end <= self.today else RUNNING
                self.remembered.put((month.window, sight), self.now + keep, month)
                known[month.window] = month
        return [month for month in known.values() if month is not None]

    async def rows(self, asked: Asked, page: int) -> Lines:
        """One page of the rows behind a number; what is shown of them is read anew, and audited."""
        return await (self._stays(asked, page) if asked.kind == "stays" else self._dispensings(asked, page))

    # How

    def _ledger(self) -> Ledger:
        return Ledger(Quiet(self.reader), self.terminology, self.today)

    async def _count(self, windows: Sequence[Window]) -> list[Month]:
        ledger = self._ledger()
        span = Window(min(window.start for window in windows), max(window.end for window in windows))
        tallies: dict[Window, defaultdict[str, Tally]] = {window: defaultdict(Tally) for window in windows}
        async for row in ledger.dispensings(span):
            if (window := _holding(windows, row.at.astimezone(ZONE).date())) is not None:
                tallies[window][row.facility].add(row)
        async for counted in ledger.stays(span, windows):
            tallies[counted.window][counted.stay.facility].add_stay(counted.days, counted.problem)
        undated = await ledger.undated(span)
        return [await self._month(window, tallies[window], undated) for window in windows]

    async def _month(self, window: Window, tallies: Mapping[str, Tally], undated: Sequence[date]) -> Month:
        region = Tally()
        for tally in tallies.values():
            region.merge(tally)
        places = await self._places(tallies, rules_on(window.start))
        return Month(window, figures(region), places, sum(window.holds(day) for day in undated), self.now)

    async def _places(self, tallies: Mapping[str, Tally], rules: Rules) -> Sequence[Place]:
        known = await self.reader.named("Organization", [reference_id(one, "Organization") for one in tallies])
        found = []
        for key, tally in tallies.items():
            directory = known.get(reference_id(key, "Organization"), {})
            level = next((str(kind["text"]) for kind in directory.get("type", ()) if kind.get("text")), "")
            name = str(directory.get("name", "")) or ("" if key == UNKNOWN_FACILITY else key)
            found.append(Place(key, name, level, figures(tally), essential_target(level, rules)))
        return sorted(found, key=lambda one: (-(one.figures.density or -1), one.name))

    async def _dispensings(self, asked: Asked, page: int) -> Lines:
        kept: list[Line] = []
        total, ddds = 0, Decimal(0)
        async for row in self._ledger().dispensings(asked.window):
            if not _wanted(row, asked):
                continue
            total += 1
            ddds += row.doses.ddds if row.doses and not row.doses.problem else 0
            if (page - 1) * PAGE < total <= page * PAGE:
                kept.append(_line(row))
        await self._look([one.reference for one in kept])
        return Lines(kept, total, ddds, 0, await self._names(kept))

    async def _stays(self, asked: Asked, page: int) -> Lines:
        found = [one async for one in self._ledger().stays(asked.window, [asked.window]) if _stay_wanted(one, asked)]
        kept = [_stay_line(one) for one in found[(page - 1) * PAGE : page * PAGE]]
        await self._look([one.reference for one in kept])
        return Lines(kept, len(found), Decimal(0), sum(one.days for one in found), await self._names(kept))

    async def _look(self, references: Sequence[str]) -> None:
        """Read what the page shows through the reader, so that it stands in the audit trail."""
        for kind in ("MedicationDispense", "Encounter"):
            await self.reader.named(kind, [reference_id(one, kind) for one in references])

    async def _names(self, lines: Sequence[Line]) -> Mapping[str, str]:
        ids = [reference_id(one.facility, "Organization") for one in lines]
        known = await self.reader.named("Organization", ids)
        return {f"Organization/{key}": str(found.get("name", "")) for key, found in known.items()}


def before(window: Window) -> Window:
    """The month before one."""
    last = window.start - timedelta(days=1)
    return Window.month(last.year, last.month)


def _holding(windows: Sequence[Window], day: date) -> Window | None:
    return next((window for window in windows if window.holds(day)), None)


def _wanted(row: Dispensing, asked: Asked) -> bool:
    if asked.facility and row.facility != asked.facility:
        return False
    match asked.kind:
        case "essential":
            return is_judged(row) and bool(row.drug.essential)
        case "antibacterials":
            return row.doses is not None and not row.doses.problem
        case "problems":
            return asked.problem in row.problems if asked.problem else bool(set(row.problems) - OF_AMOUNT)
        case _:
            return True


def _stay_wanted(counted: Counted, asked: Asked) -> bool:
    if asked.facility and counted.stay.facility != asked.facility:
        return False
    return counted.problem == asked.problem if asked.problem else not counted.problem


def _line(row: Dispensing) -> Line:
    ddds = row.doses.ddds if row.doses and not row.doses.problem else None
    return Line(
        row.reference, row.at, row.facility, row.drug.name, row.quantity, row.unit, ddds, None, row.setting,
        row.drug.essential, row.problems,
    )  # fmt: skip


def _stay_line(counted: Counted) -> Line:
    problems = (counted.problem,) if counted.problem else ()
    stay = counted.stay
    return Line(f"Encounter/{stay.id}", stay.start, stay.facility, days=counted.days, problems=problems)
