"""The home page: the ways in, what is new, and who looked."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hie.ui import N_, NavItem, preferences
from portal import access_log, timeline
from portal.concepts import Json, time_of
from portal.events import KINDS
from portal.places import places
from portal.site import Site, Visitor, together

NEWEST = 5
TILES = (
    (NavItem("/results", N_("化验与检查")), N_("最近的结果，需要留意的排在前面")),
    (NavItem("/timeline", N_("就医时间线")), N_("每次就诊、检查、处方和接种")),
    (NavItem("/medicines", N_("我的用药")), N_("正在用的药和取药记录")),
    (NavItem("/vaccinations", N_("预防接种")), N_("每一针的名称和日期")),
    (NavItem("/record", N_("健康摘要")), N_("过敏、疾病、血型，就医时出示")),
    (NavItem("/access-log", N_("谁看过我的档案")), N_("谁、为什么、看了什么")),
    (NavItem("/consent", N_("授权管理")), N_("决定谁不能查看我的档案")),
)
# Large text has room for six.
ELDER_TILES = 6


def routes(site: Site) -> list[Route]:
    """/ and the pages that need no sign-in."""
    signed_in = site.signed_in(show)

    async def home(request: Request) -> Response:
        if not site.cookie.read(request):
            return site.landing(request)
        return await signed_in(request)

    return [Route("/", home)]


async def show(visitor: Visitor) -> Response:
    """GET."""
    fhir = visitor.fhir
    known = await places(fhir)
    asked: dict[str, Awaitable[Any]] = {
        "events": timeline.read(visitor, list(KINDS.values()), known, size=NEWEST),
        "news": access_log.news(visitor),
        "ahead": _ahead(visitor),
    }
    found, failed = await together(asked)
    page: timeline.Page | None = found.get("events")
    looks, emergencies = found.get("news", (0, 0))
    shown = TILES[:ELDER_TILES] if preferences.is_elder(visitor.request) else TILES
    return visitor.render(
        "home.html",
        tiles=[
            {"href": item.href, "title": item.title, "text": text, "count": looks * (item.href == "/access-log")}
            for item, text in shown
        ],
        page=page,
        events=page.events[:NEWEST] if page else [],
        looks=looks,
        emergencies=emergencies,
        ahead=found.get("ahead", []),
        failed=failed,
        known=bool(known),
    )


async def _ahead(visitor: Visitor) -> list[dict[str, str]]:
    """Appointments that lie ahead, the nearest first."""
    since = visitor.site.clock().isoformat().replace("+00:00", "Z")
    found = await visitor.fhir.search("Appointment", ("date", f"ge{since}"), ("_sort", "date"), ("_count", "3"))
    return [_appointment(one) for one in found.matches if one.get("status") in ("booked", "pending", "arrived")]


def _appointment(one: Json) -> dict[str, str]:
    actors = [participant.get("actor", {}) for participant in one.get("participant", ())]
    doctor = next((str(actor.get("display", "")) for actor in actors
                   if str(actor.get("reference", "")).startswith("Practitioner/")), "")  # fmt: skip
    return {"when": time_of(one), "title": str(one.get("description", "")), "doctor": doctor}
