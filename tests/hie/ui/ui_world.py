"""A small application that renders pages of hie.ui, for tests."""

from __future__ import annotations

from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hie.ui import Pages, Shell, forms, preferences, static

SECRET = "ab" * 32
ISSUER = "http://sso.example"


def application(**pages_arguments: Any) -> Starlette:
    """Pages of their own addresses; `/form` takes a form, `/broken` fails, `/problem/{status}` says so."""
    pages = Pages(
        service="健康淄博", packages=("hie.ui",), form_targets=(ISSUER,),
        shell=lambda _: Shell(csrf_secret=SECRET, sign_out="/sign-out", person="<王>"), **pages_arguments,
    )  # fmt: skip

    async def problem(request: Request) -> Response:
        return pages.problem(request, int(request.path_params["status"]), reference="ref-1")

    async def form(request: Request) -> Response:
        found = await forms.read(request, SECRET)
        return PlainTextResponse(found["name"])

    async def broken(request: Request) -> Response:
        raise RuntimeError("a secret of the record")

    return Starlette(
        routes=[
            *static.routes(),
            *preferences.routes(),
            Route("/problem/{status}", problem),
            Route("/form", form, methods=["POST"]),
            Route("/broken", broken),
        ],
        exception_handlers=pages.exception_handlers(),
    )


def browser(app: Starlette | None = None, base: str = "http://portal.example") -> httpx.AsyncClient:
    """A client that keeps cookies and does not follow redirects."""
    transport = httpx.ASGITransport(app or application(), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=base)
