"""
What a family doctor sees: the worklist by due day, and one person's follow-ups with the trend of the pressure.

Specification: region-1251 section 3, PHC-03; portal-ui section 7 (worklist first).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from hie.applications import organizations
from hie.applications.fhir import day, name_of, sex_of
from hie.applications.primary_care import visit
from hie.applications.primary_care.blood_pressure import CODES, Pressure, pressures
from hie.applications.primary_care.follow_up import CLASS, CODED, OPEN, Due, due_from
from hie.applications.primary_care.visit import Record
from hie.applications.rule_data import Rules
from hie.applications.work import Reader, of_patients
from records.stored import Json

Params = tuple[tuple[str, str], ...]
FILTERS = ("overdue", "week", "uncontrolled", "refer", "all")
PAGE = 25


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the worklist."""

    due: Due
    name: str
    sex: str
    born: date | None
    facility: str
    late: int


@dataclass(frozen=True, slots=True)
class Worklist:
    """One page of the worklist; `counts` by filter, over all pages."""

    lines: Sequence[Line]
    counts: Mapping[str, int]
    total: int
    next_cursor: str = ""
    previous_cursor: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """One person: the follow-up that is due, those that were done (newest first), readings (newest first)."""

    due: Due | None = None
    ended: bool = False
    done: Sequence[Record] = ()
    readings: Sequence[Pressure] = field(default=())


def narrowed(name: str, today: date, rules: Rules) -> Params:
    """The search parameters of a filter."""
    match name:
        case "overdue":
            return (("period", f"lt{today.isoformat()}"),)
        case "week":
            last = today + timedelta(days=rules["due_soon_days"] - 1)
            return ("period", f"ge{today.isoformat()}"), ("period", f"le{last.isoformat()}")
        case "uncontrolled":
            return (("business-status", ",".join(f"{CLASS}|{code}" for code in "234")),)
        case "refer":
            return (("priority", "urgent"),)
        case _:
            return ()


async def counts(reader: Reader, owners: frozenset[str], today: date, rules: Rules) -> dict[str, int]:
    """How many follow-ups each filter holds; `owners` empty: of the region."""
    common = base(owners)
    return {name: await reader.count("Task", *common, *narrowed(name, today, rules)) for name in FILTERS}


async def worklist(
    reader: Reader, owners: frozenset[str], name: str, today: date, rules: Rules, *, cursor: str = ""
) -> Worklist:
    """One page of follow-ups that are open, the earliest first."""
    params = (*base(owners), *narrowed(name, today, rules), ("_sort", "period"))
    page = await reader.page("Task", *params, count=PAGE, cursor=cursor)
    found = [due_from(row.resource()) for row in page.matches]
    people = await reader.named("Patient", [due.patient for due in found])
    places = await organizations.names(reader, [due.facility for due in found])
    lines = [_line(due, people.get(due.patient, {}), places, today) for due in found]
    numbers = await counts(reader, owners, today, rules)
    return Worklist(lines, numbers, page.total or 0, page.next_cursor or "", page.previous_cursor or "")


async def history(reader: Reader, patients: tuple[str, ...], rules: Rules) -> History:
    """The follow-ups of one person, from every source that knows the person."""
    of = of_patients(patients)
    tasks = await reader.all("Task", of, CODED)
    due = [due_from(task) for task in tasks if task["status"] in OPEN[1].split(",")]
    done = visit.records(await reader.all("QuestionnaireResponse", of, visit.ANSWERED))
    # A reading may be two Observations, so twice as many are asked for.
    measured = await reader.first("Observation", of, CODES, ("_sort", "-date"), count=2 * rules["trend_readings"])
    readings = pressures(measured)[: rules["trend_readings"]]
    return History(min(due, key=lambda one: one.due) if due else None, bool(tasks) and not due, done, readings)


def base(owners: frozenset[str]) -> Params:
    """Open follow-ups; `owners` empty: of the region."""
    return (CODED, OPEN, *((("owner", ",".join(sorted(owners))),) if owners else ()))


def _line(due: Due, person: Json, places: Mapping[str, str], today: date) -> Line:
    late = max((today - due.due).days, 0)
    born = day(person.get("birthDate"))
    return Line(due, name_of(person), sex_of(person), born, places.get(due.facility, ""), late)
