"""
The workbench as routes: signing in, the pages of the shell, and those of the modules; mounted by the composition root.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from urllib.parse import urlsplit

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hie.indicators.engine import Collector, Indicators
from hie.settings import Settings
from hie.ui import N_, Pages, preferences
from hie.workbench import record
from hie.workbench.cookies import Cookie
from hie.workbench.desk import Handler, Module, ModuleRoute, Visit
from hie.workbench.identity import Identity
from hie.workbench.landing import Landing
from hie.workbench.oidc import OpenId
from hie.workbench.opening import Opening
from hie.workbench.roles import READERS, STAFF
from hie.workbench.search import Search
from hie.workbench.services import Services
from hie.workbench.sessions import SIGN_IN, Sessions
from hie.workbench.shell import HOME, Desk, shell_of
from hie.workbench.sign_in import SignInPages

SERVICE = N_("健康信息平台工作台")


def workbench_routes(
    settings: Settings, services: Services, modules: Sequence[Module], *, http: httpx.AsyncClient | None = None
) -> list[Route]:
    """Every address under /workbench; `http` reaches the issuer in another way, for tests."""
    https = settings.web_url.startswith("https:")
    pages = Pages(
        service=SERVICE, packages=_packages(modules), form_targets=(_origin(settings.issuer_url),), shell=shell_of,
        base=HOME, https=https,
    )  # fmt: skip
    sessions = Sessions(services.client, settings.database_prefix, clock=services.clock)
    openid = OpenId(settings, http=http, clock=services.clock)
    identity = Identity(sessions, openid, services.gate, services.clock)
    cookie = Cookie("workbench", https)
    opening = Opening(sessions, services.clock)
    indicators = Indicators(services.client, settings.database_prefix, services.clock, _collectors(modules))
    desk = Desk(services, pages, identity, cookie, indicators, modules, opening.open, _origin(settings.web_url))
    sign_in = SignInPages(
        pages, sessions, openid, identity, services.audit, cookie,
        Cookie("workbench-sign-in", https, int(SIGN_IN.total_seconds())), _origin(settings.web_url),
        f"{settings.issuer_url}/protocol/openid-connect/logout?client_id={settings.workbench_client}",
    )  # fmt: skip

    async def missing(request: Request) -> Response:
        return pages.problem(request, 404)

    return [
        *sign_in.routes(),
        *preferences.routes(HOME),
        *(route for module in (*_own(modules, sessions, opening), *modules) for route in _routes(desk, module)),
        Route(f"{HOME}/{{path:path}}", missing, methods=["GET", "POST"]),
    ]


def _own(modules: Sequence[Module], sessions: Sessions, opening: Opening) -> tuple[Module, Module]:
    """The pages of the shell itself, as modules like the others."""
    search = Search(sessions)
    staff = Module(
        "workbench", N_("我的任务"), HOME, STAFF,
        (_get("", Landing(modules).show), _get("/accessibility", _accessibility)),
    )  # fmt: skip
    patients = Module(
        "workbench", N_("居民查询"), f"{HOME}/patients", READERS,
        (
            _get("", search.form), _post("", search.ask), _get("/search/{search}", search.answer),
            _get("/{patient}", record.show), _get("/{patient}/reason", opening.ask),
            _post("/{patient}/reason", opening.answer), _get("/{patient}/entries/{type}/{id}", record.entry),
        ),
    )  # fmt: skip
    return staff, patients


def _get(path: str, handler: Handler) -> ModuleRoute:
    return ModuleRoute("GET", path, handler)


def _post(path: str, handler: Handler) -> ModuleRoute:
    return ModuleRoute("POST", path, handler)


async def _accessibility(visit: Visit) -> Response:
    return visit.render("workbench/accessibility.html")


def _routes(desk: Desk, module: Module) -> list[Route]:
    return [
        Route(f"{module.path}{one.path}", desk.endpoint(one.handler, module), methods=[one.method])
        for one in module.routes
    ]


def _packages(modules: Sequence[Module]) -> list[str]:
    """The shell's own templates and those of every module that has some."""
    with_templates = [one.package for one in modules if files(one.package).joinpath("templates").is_dir()]
    return list(dict.fromkeys(["hie.workbench", *with_templates]))


def _collectors(modules: Sequence[Module]) -> dict[str, Collector]:
    return {name: collector for module in modules for name, collector in module.collectors.items()}


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
