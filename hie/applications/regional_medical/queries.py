"""
What the two sides see: what came in, what went out, and one referral with every step it took.

Specification: region-1251 section 4, REG-01; portal-ui section 7 (worklist first).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hie.applications import organizations
from hie.applications.fhir import EPOCH, code_in, instant, moment, name_of, reference_id, sex_of, words
from hie.applications.regional_medical import referral as fhir
from hie.applications.regional_medical.referral import Referral
from hie.applications.regional_medical.rules import FINAL, OPEN, State
from hie.applications.work import Reader
from records.stored import Json

Box = Literal["inbox", "outbox"]
Params = tuple[tuple[str, str], ...]
PAGE = 25
STATES: Mapping[Box, Mapping[str, tuple[State, ...]]] = {
    "inbox": {
        "waiting": ("submitted",),
        "coming": ("accepted",),
        "here": ("arrived", "in-care"),
        "back": ("down-proposed",),
        "done": ("returned", *sorted(FINAL)),
    },
    "outbox": {
        "drafts": ("draft", "returned"),
        "waiting": ("submitted",),
        "under-way": ("accepted", "arrived", "in-care"),
        "back": ("down-proposed",),
        "done": tuple(sorted(FINAL)),
    },
}
# What an institution must do itself, by box: what the landing page counts.
MINE: Mapping[Box, tuple[str, ...]] = {"inbox": ("waiting",), "outbox": ("drafts", "back")}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a list; `other` is the institution on the other side."""

    referral: Referral
    name: str
    sex: str
    other: str
    late: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list; `counts` by filter, over all pages."""

    lines: Sequence[Line]
    counts: Mapping[str, int]
    total: int
    next_cursor: str = ""
    previous_cursor: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a referral's history."""

    at: datetime
    action: str
    who: str
    organization: str
    text: str = ""


def filters(box: Box) -> tuple[str, ...]:
    """The filters of a box, in their order on the page."""
    unclaimed = ("proposals",) if box == "outbox" else ()
    return ("overdue", *STATES[box], *unclaimed)


def narrowed(box: Box, own: frozenset[str], name: str, now: datetime) -> Params:
    """The search parameters of a filter, also of whose box it is."""
    if name == "proposals":
        return fhir.CODED, ("business-status", f"{fhir.STATE}|draft"), ("requester:missing", "true")
    base = _whose(box, own)
    if name == "overdue":
        return (*base, _in(OPEN), ("period", f"lt{instant(now)}"))
    return (*base, _in(STATES[box][name]))


async def count(reader: Reader, box: Box, own: frozenset[str], name: str, now: datetime) -> int:
    """How many a filter holds; nothing where the caller speaks for no institution."""
    return await reader.count("Task", *narrowed(box, own, name, now)) if own else 0


async def waiting(reader: Reader, box: Box, own: frozenset[str], now: datetime) -> tuple[int, int]:
    """What the institution itself must do next in a box, and how much of it is late."""
    if not own:
        return 0, 0
    base = (*_whose(box, own), _in([state for name in MINE[box] for state in STATES[box][name]]))
    late = ("period", f"lt{instant(now)}")
    return await reader.count("Task", *base), await reader.count("Task", *base, late)


async def listed(
    reader: Reader, box: Box, own: frozenset[str], name: str, now: datetime, *, cursor: str = ""
) -> Listed:  # fmt: skip
    """One page of a box: what must be done first comes first, what is done by its last change."""
    if not own:
        return Listed((), dict.fromkeys(filters(box), 0), 0)
    order = ("_sort", "-modified" if name in ("done", "drafts", "proposals") else "period")
    page = await reader.page("Task", *narrowed(box, own, name, now), order, count=PAGE, cursor=cursor)
    found = await _referrals(reader, [row.resource() for row in page.matches])
    lines = await _lines(reader, box, found, now)
    numbers = {one: await count(reader, box, own, one, now) for one in filters(box)}
    return Listed(lines, numbers, page.total or 0, page.next_cursor or "", page.previous_cursor or "")


async def timeline(reader: Reader, task: Json) -> list[Event]:
    """Every step, the newest first."""
    ids = [reference_id(one, "Provenance") for one in task.get("relevantHistory", ())]
    steps = list((await reader.named("Provenance", ids)).values())
    acting = [_acting(step) for step in steps]
    called = await organizations.names(reader, acting)
    order = {logical: number for number, logical in enumerate(ids)}
    pairs = sorted(zip(steps, acting, strict=True), key=lambda pair: order[pair[0]["id"]], reverse=True)
    return [_event(step, called.get(one, "")) for step, one in pairs]


def _whose(box: Box, own: frozenset[str]) -> Params:
    return fhir.CODED, ("owner" if box == "inbox" else "requester", ",".join(sorted(own)))


def _in(states: Sequence[State]) -> tuple[str, str]:
    return "business-status", ",".join(f"{fhir.STATE}|{state}" for state in states)


async def _referrals(reader: Reader, tasks: Sequence[Json]) -> list[Referral]:
    requests = await reader.named("ServiceRequest", [reference_id(task.get("focus")) for task in tasks])
    pairs = ((task, requests.get(reference_id(task.get("focus")))) for task in tasks)
    return [fhir.read(task, request) for task, request in pairs if request is not None]


async def _lines(reader: Reader, box: Box, found: Sequence[Referral], now: datetime) -> list[Line]:
    people = await reader.named("Patient", [one.patient for one in found])
    others = [one.sender if box == "inbox" else one.application.receiver for one in found]
    called = await organizations.names(reader, others)
    return [
        Line(one, name_of(person), sex_of(person), called.get(other, ""), one.is_late(now))
        for one, other in zip(found, others, strict=True)
        for person in (people.get(one.patient, {}),)
    ]


def _acting(step: Json) -> str:
    agent: Json = next(iter(step.get("agent", ())), {})
    return str(agent.get("onBehalfOf", {}).get("reference", ""))


def _event(step: Json, organization: str) -> Event:
    agent: Json = next(iter(step.get("agent", ())), {})
    return Event(
        moment(step["recorded"]) or EPOCH,
        code_in(step.get("activity"), fhir.ACTION),
        str(agent.get("who", {}).get("display", "")),
        organization,
        words(next(iter(step.get("reason", ())), None)),
    )


