"""The timeline: everything that happened, newest first, 20 a page; kinds without an answer are named."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from hie.ui import Option
from portal.events import KINDS, Event, Kind, event_of, from_cursor, newest, to_cursor
from portal.fhir import Found
from portal.places import places
from portal.site import Site, Visitor, together

SIZE = 20


@dataclass(frozen=True, slots=True)
class Page:
    """One page; `older` is the cursor of the next, `failed` the titles of kinds that are missing."""

    events: list[Event]
    older: str = ""
    failed: tuple[str, ...] = ()

    @property
    def years(self) -> list[tuple[str, list[Event]]]:
        return [(year, list(events)) for year, events in groupby(self.events, key=lambda one: one.year)]


def routes(site: Site) -> list[Route]:
    """/timeline."""
    return [Route("/timeline", site.signed_in(show))]


async def show(visitor: Visitor) -> Response:
    """GET, with optional `type`, `place` (the id of a source's Patient) and `before`."""
    known = await places(visitor.fhir)
    kind, place = visitor.query("type"), visitor.query("place")
    kinds = [KINDS[kind]] if kind in KINDS else list(KINDS.values())
    patient = f"Patient/{place}" if f"Patient/{place}" in known else ""
    page = await read(visitor, kinds, known, patient=patient, before=from_cursor(visitor.query("before")))
    chosen = {name: value for name, value in (("type", kind), ("place", place)) if value}
    older = f"/timeline?{urlencode({**chosen, 'before': page.older})}" if page.older else ""
    return visitor.render(
        "timeline.html", page=page, older=older, kind=kind, place=place, chosen=chosen,
        first=f"/timeline?{urlencode(chosen)}" if visitor.query("before") else "",
        kinds=[Option(one.key, one.title) for one in KINDS.values()],
        places=[Option(key.removeprefix("Patient/"), name) for key, name in known.items() if name],
    )  # fmt: skip


async def read(
    visitor: Visitor,
    kinds: list[Kind],
    known: dict[str, str],
    *,
    patient: str = "",
    before: datetime | None = None,
    size: int = SIZE,
) -> Page:
    """The newest entries of these kinds."""
    asked: Mapping[str, Awaitable[Found]] = {
        kind.key: visitor.fhir.search(kind.type, *_params(kind, patient, before, size)) for kind in kinds
    }
    found, failed = await together(asked)
    events = newest(
        event_of(KINDS[key], resource, one.by_reference(), known)
        for key, one in found.items()
        for resource in one.matches
    )
    more = len(events) > size or any(one.next for one in found.values())
    page = _cut(events, size)
    older = to_cursor(page[-1].moment) if more and page and page[-1].when else ""
    return Page(page, older, tuple(kind.title for kind in kinds if kind.key in failed))


def _params(kind: Kind, patient: str, before: datetime | None, size: int) -> list[tuple[str, str]]:
    params = [("_sort", f"-{kind.date}"), ("_count", str(size * 2)), *kind.extra]
    if patient:
        params.append(("patient", patient))
    if before is not None:
        params.append((kind.date, f"lt{before.astimezone(UTC).isoformat().replace('+00:00', 'Z')}"))
    return params


def _cut(events: list[Event], size: int) -> list[Event]:
    """The first ones, and what has the same time as the last: the next page begins before it."""
    if len(events) <= size:
        return events
    edge = events[size - 1].moment
    return [*events[:size], *(one for one in events[size:] if one.moment == edge)]

