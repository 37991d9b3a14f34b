"""
The pages of one human: the timeline over all sources, recent first and never the whole chart, and one entry of it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from starlette.responses import Response

from hie.applications.fhir import facility_of, instant, reference_id, words
from hie.applications.work import of_patients
from hie.errors import Refused
from hie.ui import N_, Option, Tag
from hie.workbench.desk import Visit
from hie.workbench.timeline import (
    KINDS,
    Event,
    by_year,
    event_of,
    flags_of,
    latest_first,
    range_of,
    status_of,
    time_of,
    title_of,
    value_of,
)  # fmt: skip
from records.errors import NotFound
from records.stored import Json, Stored, encode

RECORDS = "/workbench/patients"
SIZE = 20
# Entries of the same moment as the last one come with it, so that a page boundary hides none.
SLACK = 20


@dataclass(frozen=True, slots=True)
class Chart:
    """One page of the timeline; `older` is the address of the next."""

    events: Sequence[Event]
    older: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """One line of a table of results."""

    name: str
    value: str
    range: str
    tags: tuple[Tag, ...]


async def show(visit: Visit) -> Response:
    """GET: banner and timeline."""
    banner = await visit.open_record(visit.params["patient"])
    kind = visit.query.get("type", "")
    kinds = [kind] if kind in KINDS else list(KINDS)
    chart = await _chart(visit, banner.patients, kinds, _before(visit.query.get("before", "")))
    return visit.render(
        "workbench/record.html", chart=chart, names=await _facilities(visit, chart.events), kind=kind,
        kinds=tuple(Option(one.type, one.title) for one in KINDS.values()), base=f"{RECORDS}/{banner.patient}",
        first=not visit.query.get("before"), again=f"?type={kind}" if kind in KINDS else "",
        years=by_year(chart.events),
    )  # fmt: skip


async def _chart(visit: Visit, patients: Sequence[str], kinds: Sequence[str], before: datetime | None) -> Chart:
    found = await asyncio.gather(*(_rows(visit, kind, patients, before) for kind in kinds))
    events = latest_first([event_of(row) for rows in found for row in rows])
    page = _page(events)
    rest = len(events) > len(page) or any(len(rows) > SIZE + SLACK - 1 for rows in found)
    if rest and page and page[-1].at:
        again = {"type": visit.query["type"]} if visit.query.get("type") else {}
        return Chart(page, f"?{urlencode({**again, 'before': instant(page[-1].at)})}")
    # The last page: what a sender gave no time for.
    undated = await asyncio.gather(*(_undated(visit, kind, patients) for kind in kinds))
    known = {one.reference for one in page}
    late = [event_of(row) for rows in undated for row in rows if row.reference not in known]
    return Chart(latest_first([*page, *late]))


def _page(events: Sequence[Event]) -> list[Event]:
    if len(events) <= SIZE:
        return list(events)
    edge = events[SIZE - 1].at
    same = [one for one in events[SIZE:] if one.at is not None and one.at == edge]
    return [*events[:SIZE], *same]


async def _rows(visit: Visit, kind: str, patients: Sequence[str], before: datetime | None) -> Sequence[Stored]:
    parameter = KINDS[kind].date
    asked = [of_patients(patients), ("_sort", f"-{parameter}")]
    if before is not None:
        asked.append((parameter, f"lt{instant(before)}"))
    return await _searched(visit, kind, asked)


async def _undated(visit: Visit, kind: str, patients: Sequence[str]) -> Sequence[Stored]:
    return await _searched(visit, kind, [of_patients(patients), (f"{KINDS[kind].date}:missing", "true")])


async def _searched(visit: Visit, kind: str, asked: Sequence[tuple[str, str]]) -> Sequence[Stored]:
    try:
        return await visit.reader.top(kind, *_not_members(kind, asked), count=SIZE + SLACK)
    except Refused:
        return ()


def _not_members(kind: str, asked: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """Results of a laboratory are shown inside their report; the timeline lists what was measured otherwise."""
    return [*asked, ("category:not", "laboratory")] if kind == "Observation" else asked


def _before(given: str) -> datetime | None:
    try:
        return datetime.fromisoformat(given.replace("Z", "+00:00")) if given else None
    except ValueError:
        return None


async def _facilities(visit: Visit, events: Sequence[Event]) -> Mapping[str, str]:
    """Names by Organization id, and the source of each Patient where an event names no facility."""
    ids = [reference_id(one.facility, "Organization") for one in events]
    patients = await visit.reader.named("Patient", [one.patient for one in events if not one.facility])
    sources = {key: reference_id(one.get("managingOrganization"), "Organization") for key, one in patients.items()}
    organizations = await visit.reader.named("Organization", [*ids, *sources.values()])
    names = {f"Organization/{key}": str(one.get("name", "")) for key, one in organizations.items()}
    return {
        one.reference: names.get(one.facility) or names.get(f"Organization/{sources.get(one.patient, '')}", "")
        for one in events
    }


# One entry


async def entry(visit: Visit) -> Response:
    """GET: one resource of the record, with its results."""
    banner = await visit.open_record(visit.params["patient"])
    kind = visit.params["type"]
    if kind not in KINDS:
        raise NotFound("There is no such entry.")
    row = await visit.reader.read(kind, visit.params["id"])
    if not set(row.patients) & set(banner.patients):
        # The address names a record; another one's entry is not shown under its banner.
        visit.reader.seen.pop(row.reference)
        raise NotFound("There is no such entry.")
    resource = row.resource()
    wanted = [reference_id(one, "Observation") for one in resource.get("result", ())]
    members = await visit.reader.named("Observation", wanted)
    facility = reference_id(facility_of(resource), "Organization")
    organizations = await visit.reader.named("Organization", [facility])
    return visit.render(
        "workbench/entry.html",
        kind=KINDS[kind].title,
        title=title_of(resource),
        at=time_of(resource),
        state=status_of(resource),
        facts=[(name, text) for name, text in _facts(resource) if text],
        facility=str(organizations.get(facility, {}).get("name", "")),
        results=[_measured(members[one]) for one in wanted if one in members],
        source=json.dumps(json.loads(encode(resource)), ensure_ascii=False, indent=2),
        version=row.version,
        updated=row.updated,
        base=f"{RECORDS}/{banner.patient}",
    )


def _measured(resource: Json) -> Measured:
    return Measured(title_of(resource), value_of(resource), range_of(resource), tuple(flags_of(resource)))


def _names_of(people: Sequence[Json]) -> Iterator[str]:
    for one in people:
        if one.get("display") and not reference_id(one, "Organization"):
            yield str(one["display"])


def _facts(resource: Json) -> list[tuple[str, str]]:
    """What a reader asks first, in the sender's words."""
    doses = "；".join(str(one.get("text", "")) for one in resource.get("dosageInstruction", ()))
    reasons = "；".join(words(one) for one in resource.get("reasonCode", ()))
    period = resource.get("period") or {}
    notes = "\n".join(str(one.get("text", "")) for one in resource.get("note", ()))
    people = [one.get("individual") or one.get("actor") or one for one in
              (*resource.get("participant", ()), *resource.get("performer", ()))]  # fmt: skip
    return [
        (N_("数值"), value_of(resource) if resource["resourceType"] == "Observation" else ""),
        (N_("参考范围"), range_of(resource)),
        (N_("结论"), str(resource.get("conclusion", ""))),
        (N_("用法用量"), doses),
        (N_("原因"), reasons),
        (N_("医务人员"), "；".join(dict.fromkeys(_names_of(people)))),
        (N_("结束时间"), str(period.get("end", ""))),
        (N_("备注"), notes),
    ]
