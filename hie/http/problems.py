"""
Unknown addresses and faults, each in the words of the protocol that the address speaks, and headers for every answer.

https://www.rfc-editor.org/rfc/rfc9457
"""

from __future__ import annotations

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hie.fhir.outcome import outcome
from records.errors import Issue

_log = structlog.get_logger("hie.http")
_WORDS = {
    404: ("not-found", "There is nothing at this address."),
    405: ("not-supported", "This address does not take that method."),
    500: ("exception", "The exchange failed; nothing of this request was shown or changed."),
}
# What no route set itself; pages bring a policy of their own.
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}


async def refused(request: Request, error: Exception) -> Response:
    """A refusal of the framework: an OperationOutcome below /fhir, a problem document elsewhere."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if status >= 500:
        _log.error("request failed", error=type(error).__name__, exc_info=error)
    code, text = _WORDS.get(status, ("processing", "The request cannot be answered."))
    if request.url.path == "/fhir" or request.url.path.startswith("/fhir/"):
        body = outcome([Issue("", text, code)])
        return Response(body, status, {**headers, "Content-Type": "application/fhir+json; charset=utf-8"})
    problem = {"type": "about:blank", "title": text, "status": status}
    return JSONResponse(problem, status, {**headers, "Content-Type": "application/problem+json"})


class SecurityHeaders:
    """Adds the headers that an answer does not have."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def decorate(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(one for one in HEADERS.items() if one[0] not in given)]
            await send(message)

        await self._app(scope, receive, decorate if scope["type"] == "http" else send)
