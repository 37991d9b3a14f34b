"""
The portal as an ASGI application: every address on one screen.

What it shows it has from the exchange's FHIR API, called with the visitor's own token.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
from pymongo import AsyncMongoClient
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hie.ui import Pages, preferences, static
from portal import access_log, consent, home, record, results, sign_in, statements, timeline, visits
from portal.cookies import Cookie
from portal.oidc import OpenId
from portal.sessions import Clock, Document, Sessions
from portal.settings import Settings
from portal.site import Site

SECONDS = 10.0
FEATURES = (home, timeline, results, visits, record, access_log, consent, sign_in, statements)


def create(
    settings: Settings,
    *,
    http: httpx.AsyncClient | None = None,
    clock: Clock = lambda: datetime.now(UTC),
) -> Starlette:
    """The application. `http` reaches the exchange and the issuer; tests give their own."""
    # Both are neighbours: a proxy of the environment has no place in between.
    client = http or httpx.AsyncClient(trust_env=False, timeout=SECONDS)
    mongo = AsyncMongoClient[Document](settings.database_uri, tz_aware=True)
    site = _site(settings, client, mongo, clock)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await site.sessions.ensure_indexes()
        yield
        await mongo.close()
        if http is None:
            await client.aclose()

    return Starlette(
        routes=[
            *static.routes(),
            *preferences.routes(),
            Route("/health/live", live),
            Route("/health/ready", _ready(site)),
            *(route for feature in FEATURES for route in feature.routes(site)),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=800)],
        exception_handlers=site.pages.exception_handlers(),
        lifespan=lifespan,
    )


def _site(settings: Settings, http: httpx.AsyncClient, mongo: AsyncMongoClient[Document], clock: Clock) -> Site:
    sessions = Sessions(
        mongo,
        f"{settings.database_prefix}_portal",
        idle=settings.idle_seconds,
        longest=settings.session_seconds,
        clock=clock,
    )
    # The pages ask the site what stands around them, and the site renders with the pages.
    known: list[Site] = []
    pages = Pages(  # noqa: S604 - the shell of a page
        service=settings.portal_name,
        packages=("portal",),
        form_targets=(settings.issuer_origin,),
        shell=lambda request: known[0].shell(request),
        https=settings.is_https,
    )
    site = Site(
        settings,
        pages,
        sessions,
        OpenId(settings, http, clock),
        http,
        clock,
        Cookie("portal", settings.is_https),
        Cookie("portal-sign-in", settings.is_https),
    )
    known.append(site)
    return site


async def live(_: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "live"})


def _ready(site: Site) -> Callable[[Request], object]:
    async def ready(_: Request) -> Response:
        """Its neighbours answer."""
        try:
            (await site.http.get(f"{site.settings.fhir_url}/metadata")).raise_for_status()
        except httpx.HTTPError:
            return JSONResponse({"status": "waiting", "for": "fhir"}, 503)
        return JSONResponse({"status": "ready"})

    return ready
