"""Who looked at my record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from hie.ui import N_
from portal.accesses import EMERGENCY, accesses
from portal.events import from_cursor, to_cursor
from portal.site import Site, Visitor

ROLE = "urn:hie:role"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
STAFF = ("clinician", "pharmacist", "public-health", "administrator")
SIZE = 100

Params = tuple[tuple[str, str], ...]
BY_STAFF: Params = (("agent-role", ",".join(f"{ROLE}|{role}" for role in STAFF)),)
VIEWS: Mapping[str, tuple[str, Params]] = {
    "": (N_("医务和管理人员"), BY_STAFF),
    "emergency": (N_("紧急查看"), (("subtype", f"{DCM}|{EMERGENCY}"),)),
    "system": (N_("机构系统传送"), (("agent-role:missing", "true"),)),
    "mine": (N_("我自己"), (("agent-role", f"{ROLE}|resident"),)),
}


def routes(site: Site) -> list[Route]:
    """/access-log."""
    return [Route("/access-log", site.signed_in(show))]


async def show(visitor: Visitor) -> Response:
    """GET, with optional `view` and `before`; looking at it says that the visitor knows what is new."""
    view = visitor.query("view") if visitor.query("view") in VIEWS else ""
    before = from_cursor(visitor.query("before"))
    last = await visitor.site.sessions.last_look(visitor.subject)
    params = [*VIEWS[view][1], ("_sort", "-date"), ("_count", str(SIZE))]
    if before:
        params.append(("date", f"lt{_instant(before)}"))
    found = await visitor.fhir.search("AuditEvent", *params)
    if not view:
        await visitor.site.sessions.looked(visitor.subject)
    rows = accesses(found.matches)
    oldest = str(found.matches[-1]["recorded"]) if found.next and found.matches else ""
    return visitor.render(
        "access_log.html",
        rows=rows,
        view=view,
        views=[(_address(view=key), title, key == view) for key, (title, _) in VIEWS.items()],
        last=last.isoformat() if last else "",
        older=_address(view=view, before=to_cursor(datetime.fromisoformat(oldest))) if oldest else "",
        first=_address(view=view) if before else "",
    )


async def news(visitor: Visitor) -> tuple[int, int]:
    """Looks of staff since the visitor last read the list, and how many of them were emergencies."""
    last = await visitor.site.sessions.last_look(visitor.subject)
    since: Params = (("date", f"gt{_instant(last)}"),) if last else ()
    found = await visitor.fhir.search("AuditEvent", *BY_STAFF, *since, ("_sort", "-date"), ("_count", str(SIZE)))
    rows = accesses(found.matches)
    return len(rows), sum(one.emergency for one in rows)


def _address(**chosen: str) -> str:
    given = {name: value for name, value in chosen.items() if value}
    return f"/access-log?{urlencode(given)}" if given else "/access-log"


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
