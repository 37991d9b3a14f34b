"""
Pages of primary care that only show: the worklist, a person, a figure, the rules.

Specification: portal-ui section 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from urllib.parse import urlencode

from starlette.responses import Response

from hie.applications import figures as figure_pages
from hie.applications import organizations
from hie.applications.fhir import ZONE
from hie.applications.primary_care import queries, words
from hie.applications.primary_care.blood_pressure import Pressure
from hie.applications.primary_care.figures import COLLECTORS
from hie.applications.primary_care.follow_up import CODED, OPEN
from hie.applications.primary_care.rules import control_limit
from hie.applications.primary_care.tasks import BASE, scope
from hie.applications.primary_care.use_cases import rules_on
from hie.applications.rule_data import Rules, rule_book
from hie.applications.work import of_patients
from hie.ui import Count, Option, Tag
from hie.ui.charts import Mark, Point
from hie.workbench.banner import Banner
from hie.workbench.desk import Visit
from records.errors import NotFound
from records.stored import Json

FILTER_TONES = {"overdue": "bad", "refer": "bad", "uncontrolled": "warn", "week": "info", "all": ""}


def today_of(visit: Visit) -> date:
    """Today in the region."""
    return visit.work.clock().astimezone(ZONE).date()


async def worklist(visit: Visit) -> Response:
    """GET: follow-ups that are open, the earliest first."""
    today = today_of(visit)
    chosen = visit.query.get("filter", "all")
    chosen = chosen if chosen in queries.FILTERS else "all"
    asked = visit.query.get("scope", "")
    owners = await scope(visit.reader, asked)
    cursor = visit.query.get("cursor", "")
    found = await queries.worklist(visit.reader, owners, chosen, today, rules_on(today), cursor=cursor)
    shown = asked or ("own" if owners else "all")
    return visit.render(
        "primary_care/worklist.html", found=found, chosen=chosen, scope=shown, today=today, words=words,
        counts=[_count(name, found.counts[name], shown) for name in queries.FILTERS],
        next=_again(chosen, shown, found.next_cursor), previous=_again(chosen, shown, found.previous_cursor), base=BASE,
        scopes=scopes(shown), tags={line.due.task_id: tags(line, today) for line in found.lines},
    )  # fmt: skip


def scopes(shown: str) -> list[Option]:
    """Whose follow-ups a list can show; one institution's, where an address names it."""
    found = [Option("own", words.SCOPES["own"]), Option("all", words.SCOPES["all"])]
    return found if shown in words.SCOPES else [*found, Option(shown, words.SCOPE_ONE)]


async def person(visit: Visit) -> Response:
    """GET: one person's follow-ups and readings."""
    banner = await open_person(visit, visit.params["patient"])
    rules = rules_on(today_of(visit))
    found = await queries.history(visit.reader, banner.patients, rules)
    return visit.render(
        "primary_care/person.html", found=found, today=today_of(visit), words=words, base=BASE,
        readings=found.readings, series=trend(found.readings, banner.card.age, rules),
    )  # fmt: skip


async def indicator(visit: Visit) -> Response:
    """GET: one figure with its numerator, denominator and window, and the people behind it."""
    wanted = visit.params["indicator"]
    if wanted not in COLLECTORS:
        raise NotFound("There is no such indicator here.")
    found = await figure_pages.asked(visit, wanted, today_of(visit))
    return visit.render(
        "primary_care/figure.html", figure=found, base=f"{BASE}/indicators/{wanted}", people=f"{BASE}/people",
        is_over=figure_pages.is_over(found.period, today_of(visit)), words=words,
    )  # fmt: skip


async def rules(visit: Visit) -> Response:
    """GET: every version of the rules, with its source and whether that was checked."""
    book = rule_book("primary_care", "hypertension")
    return visit.render(
        "primary_care/rules.html", versions=list(reversed(book.versions)), current=rules_on(today_of(visit)),
        words=words,
    )  # fmt: skip


async def open_person(visit: Visit, patient: str) -> Banner:
    """Open a record: by its follow-up, where that is the own institution's; else the shell asks why."""
    patients = await visit.work.patients(patient)
    tasks = await visit.reader.all("Task", of_patients(patients), CODED, OPEN)
    return await visit.open_record(patient, task=await own_task(visit, tasks))


async def own_task(visit: Visit, tasks: list[Json]) -> Json | None:
    """The first Task that is the caller's institution's business."""
    own = await organizations.own(visit.reader, visit.caller.organization)
    return next((task for task in tasks if task.get("owner", {}).get("reference", "") in own), None)


def tags(line: queries.Line, today: date) -> list[Tag]:
    """What must not be overlooked in a row."""
    found = [Tag(words.CLASSES[line.due.code], words.TONES[line.due.code])] if line.due.code else []  # type: ignore[arg-type]
    return [*found, Tag(words.FILTER_NAMES["refer"], "bad")] if line.due.refer else found


def trend(readings: Sequence[Pressure], age: str, rules: Rules) -> list[tuple[str, str, int, list[Point]]]:
    """Two series, oldest first, with the target of the age: what reaches it is marked."""
    limit = control_limit(int(age) if age.isdigit() else 0, rules)
    found = []
    for name in ("systolic", "diastolic"):
        points = [_point(one.at, getattr(one, name), limit[name]) for one in reversed(readings)]
        found.append((name, words.FIELDS[name], limit[name], points))
    return found


def _point(at: datetime, value: Decimal, limit: int) -> Point:
    mark: Mark = "high" if value >= limit else ""
    return Point(at.astimezone(ZONE).date().isoformat(), float(value), str(value), mark, at.timestamp())


def _count(name: str, number: int, shown: str) -> Count:
    href = f"{BASE}?{urlencode({'filter': name, 'scope': shown})}"
    return Count(number, words.FILTER_NAMES[name], href, FILTER_TONES[name] if number else "")  # type: ignore[arg-type]


def _again(chosen: str, shown: str, cursor: str) -> str:
    return f"{BASE}?{urlencode({'filter': chosen, 'scope': shown, 'cursor': cursor})}" if cursor else ""
