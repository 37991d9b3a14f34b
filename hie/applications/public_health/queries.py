"""
What the public-health physician sees: the worklist by due moment, one card with its steps, counts that open.

Specification: region-1251 section 6, PUB-03 and PUB-04; portal-ui section 7 (worklist first).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hie.applications import organizations
from hie.applications.fhir import ZONE, code_in, day, instant, name_of, sex_of, words
from hie.applications.public_health.card import CODED, DIVISION, STATE, STEP, Card, card_from
from hie.applications.public_health.prefill import districts
from hie.applications.public_health.rules import OPEN, Disease, State, diseases_on, rules_on
from hie.applications.rule_data import Rules
from hie.applications.work import Reader
from hie.indicators.indicator import Window
from records.stored import Json
from terminology.service import NOTIFIABLE, Terminology

Params = tuple[tuple[str, str], ...]
FILTERS = ("overdue", "soon", "draft", "returned", "reported", "dismissed", "all")
PAGE = 25
STATED: Mapping[str, tuple[State, ...]] = {
    "overdue": OPEN, "soon": OPEN, "draft": ("draft",), "returned": ("returned",), "reported": ("reported",),
    "dismissed": ("dismissed",), "all": (),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """One list of cards: a filter, and perhaps a disease, a district, and the month in which they were drafted."""

    name: str = "all"
    disease: str = ""
    district: str = ""
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the worklist."""

    card: Card
    legal_class: str
    name: str
    sex: str
    born: date | None
    facility: str
    late: bool


@dataclass(frozen=True, slots=True)
class Worklist:
    """One page of the worklist; `counts` by filter, over all pages."""

    lines: Sequence[Line]
    counts: Mapping[str, int]
    total: int
    next_cursor: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a card: which, when, by whom, why."""

    code: str
    at: datetime
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Cards drafted in a window that were not dismissed, by disease and district."""

    window: Window
    by_disease: Sequence[tuple[Disease, int]]
    by_district: Sequence[tuple[str, str, int]]
    cells: Mapping[tuple[str, str], int]
    elsewhere: int
    total: int
    reported: int
    dismissed: int


def narrowed(asked: Asked, now: datetime, rules: Rules) -> Params:
    """The search parameters of a list."""
    found: list[tuple[str, str]] = [CODED]
    if states := STATED[asked.name]:
        found.append(("business-status", ",".join(f"{STATE}|{state}" for state in states)))
    if asked.name == "overdue":
        found.append(("period", f"lt{instant(now)}"))
    if asked.name == "soon":
        found += [("period", f"ge{instant(now)}"), ("period", f"lt{instant(now + _soon(rules))}")]
    if asked.disease:
        found.append(("code", f"{NOTIFIABLE}|{asked.disease}"))
    if asked.district:
        found.append(("group-identifier", f"{DIVISION}|{asked.district}"))
    return (*found, *(drafted_in(asked.window) if asked.window else ()))


def drafted_in(window: Window) -> Params:
    """Cards drafted in a window; a day without a zone is a day of the region."""
    return ("authored-on", f"ge{window.start.isoformat()}"), ("authored-on", f"lt{window.end.isoformat()}")


async def counts(reader: Reader, now: datetime) -> dict[str, int]:
    """How many cards each filter holds."""
    rules = rules_on(_today(now))
    return {name: await reader.count("Task", *narrowed(Asked(name), now, rules)) for name in FILTERS}


async def worklist(
    reader: Reader, terminology: Terminology, asked: Asked, now: datetime, *, cursor: str = ""
) -> Worklist:
    """One page of cards: what is due first stands first, what is done by its last change."""
    order = "period" if asked.name in ("overdue", "soon", "draft", "returned") else "-modified"
    params = (*narrowed(asked, now, rules_on(_today(now))), ("_sort", order))
    page = await reader.page("Task", *params, count=PAGE, cursor=cursor)
    cards = [card_from(row.resource()) for row in page.matches]
    people = await reader.named("Patient", [card.patient for card in cards])
    places = await organizations.names(reader, [card.facility for card in cards])
    known = {one.code: one for one in diseases_on(_today(now), terminology)}
    lines = [_line(card, people.get(card.patient, {}), places, known, now) for card in cards]
    return Worklist(lines, await counts(reader, now), page.total or 0, page.next_cursor or "")


async def steps(reader: Reader, card: Card) -> list[Step]:
    """The way of a card, newest first."""
    found = await reader.all("Provenance", ("target", f"Task/{card.id}"))
    # Within one second a card is drafted before anything else happens to it.
    return sorted((_step(one) for one in found), key=lambda one: (one.at, one.code != "drafted"), reverse=True)


async def evidence(reader: Reader, card: Card) -> list[Json]:
    """The diagnoses and results behind a card, as far as they are there and may be seen."""
    found: list[Json] = []
    for kind in ("Condition", "Observation"):
        ids = [one.partition("/")[2] for one in card.evidence if one.startswith(f"{kind}/")]
        found += (await reader.named(kind, ids)).values()
    return found


async def tally(reader: Reader, terminology: Terminology, window: Window) -> Counts:
    """Counts of a month; nobody is shown, so nobody is marked as seen."""
    cells: Counter[tuple[str, str]] = Counter()
    states: Counter[str] = Counter()
    async for row in reader.stream("Task", CODED, *drafted_in(window)):
        card = card_from(row.resource())
        states[card.state] += 1
        if card.state != "dismissed":
            cells[card.disease, card.district] += 1
    return _counts(window, cells, states, terminology)


def _counts(
    window: Window, cells: Counter[tuple[str, str]], states: Counter[str], terminology: Terminology
) -> Counts:  # fmt: skip
    listed = diseases_on(window.end - timedelta(days=1), terminology)
    known = {one.code: one for one in listed}
    by_disease: Counter[str] = Counter()
    by_district: Counter[str] = Counter()
    for (disease, district), count in cells.items():
        by_disease[disease] += count
        by_district[district] += count
    places = districts(terminology)
    named = [(known.get(code) or Disease(code, code, "", False, (), 0), n) for code, n in by_disease.most_common()]
    in_city = sum(by_district[code] for code, _ in places)
    return Counts(
        window,
        named,
        [(code, name, by_district[code]) for code, name in places],
        dict(cells),
        sum(by_district.values()) - in_city,
        sum(cells.values()),
        states["reported"],
        states["dismissed"],
    )


def _today(now: datetime) -> date:
    return now.astimezone(ZONE).date()


def _soon(rules: Rules) -> timedelta:
    return timedelta(hours=rules["soon_hours"])


def _line(card: Card, person: Json, places: Mapping[str, str], known: Mapping[str, Disease], now: datetime) -> Line:
    legal_class = known[card.disease].legal_class if card.disease in known else ""
    return Line(
        card, legal_class, name_of(person), sex_of(person), day(person.get("birthDate")),
        places.get(card.facility, ""), card.is_overdue(now),
    )  # fmt: skip


def _step(provenance: Json) -> Step:
    who = str(provenance["agent"][0].get("who", {}).get("display", ""))
    reason = next((words(one) for one in provenance.get("reason", ())), "")
    at = datetime.fromisoformat(provenance["recorded"].replace("Z", "+00:00"))
    return Step(code_in(provenance.get("activity"), STEP), at, who, reason)
