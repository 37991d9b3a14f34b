"""
Middleware: measures each request by the template of its address, never by the address, which may name a person.

https://asgi.readthedocs.io/en/latest/specs/main.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hie.fhir import router
from hie.http.metrics import Requests

UNMATCHED = "unmatched"
_PARTS = {"T": "{type}", "I": "{id}", "*": "{version}"}
_SAME = {"search_by_post": "search", "search_compartment": "search", "bundle": "batch"}


class Measuring:
    """Times a request from its first byte to the last of its answer."""

    def __init__(self, app: ASGIApp, counted: Requests, clock: Callable[[], float] = time.perf_counter) -> None:
        self._app, self._counted, self._clock = app, counted, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, status, began = scope["path"], 500, self._clock()

        async def listen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, listen)
        finally:
            route, interaction = template(path, scope, status)
            self._counted.took(route, interaction, status, self._clock() - began)


def template(path: str, scope: Scope, status: int) -> tuple[str, str]:
    """The template of an address and the interaction that it asks for."""
    if path == "/fhir" or path.startswith("/fhir/"):
        return _fhir(path, scope)
    # An address nobody serves is one label, however many there are.
    return (UNMATCHED if status in (404, 405) else _page(path, scope)), scope["method"].lower()


def _fhir(path: str, scope: Scope) -> tuple[str, str]:
    parts = tuple(part for part in path.removeprefix("/fhir").split("/") if part)
    queried = bool(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
    found = router.route(scope["method"], parts, queried)
    if found is None:
        return f"/fhir/{UNMATCHED}", UNMATCHED
    named = "/".join(_PARTS.get(part, part) for part in found.pattern.rstrip("?").split("/"))
    name = found.handler.__name__.removeprefix("conditional_")
    return f"/fhir/{named}".rstrip("/"), _SAME.get(name, name)


def _page(path: str, scope: Scope) -> str:
    """The address with its parameters named."""
    parameters: dict[str, Any] = scope.get("path_params", {})
    names = {str(value): f"{{{name}}}" for name, value in parameters.items()}
    return "/".join(names.get(part, part) for part in path.split("/"))
