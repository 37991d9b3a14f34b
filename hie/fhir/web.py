"""
The HTTP edge: bytes in, the caller's identity, the audit trail, bytes out.

Nothing leaves before the audit trail holds it, and nothing is refused without an OperationOutcome.
https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from dataclasses import replace

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hie.errors import HieError, fault
from hie.fhir.answering import allowed, response
from hie.fhir.auditing import audit
from hie.fhir.call import Answer, Call
from hie.fhir.crossing import opened, preflight
from hie.fhir.formats import PLAIN
from hie.fhir.outcome import refusal
from hie.fhir.receiving import Unread, begun, received, spoken_of, understood
from hie.fhir.router import capabilities, dispatch, methods
from hie.fhir.services import FhirServices
from hie.fhir.smart import smart_configuration
from records.errors import RecordError
from records.search.custom import in_force

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
OPEN = frozenset({("metadata",)})

_log = structlog.get_logger("hie.fhir")


def fhir_routes(services: FhirServices) -> list[Route]:
    """Routes for everything below `/fhir`."""

    async def endpoint(request: Request) -> Response:
        with in_force(services.store.parameters.now):
            return await serve(services, request)

    async def smart(request: Request) -> Response:
        crossing = opened(services.settings.fhir_cors_origins or "*", request.headers.get("origin"))
        return JSONResponse(smart_configuration(services.settings), headers=dict(crossing))

    return [
        Route("/fhir/.well-known/smart-configuration", smart, methods=["GET"]),
        Route("/fhir", endpoint, methods=METHODS),
        Route("/fhir/{path:path}", endpoint, methods=METHODS),
    ]


async def serve(services: FhirServices, request: Request) -> Response:
    """One request from socket to socket."""
    call, spoken = begun(services, request), PLAIN
    if request.method == "OPTIONS" and "access-control-request-method" in call.headers:
        return Response(status_code=204, headers=preflight(services.settings.fhir_cors_origins, call.header("origin")))
    try:
        call = await received(call, request)
        spoken = spoken_of(call)
        answer = await (_options(call) if request.method == "OPTIONS" else _answer(call, request))
    except Unread as error:
        answer = await _refused(replace(call, body=error.body), error.reason)
    except Exception as error:
        answer = await _refused(call, error)
    return await response(call, answer, spoken)


async def _options(call: Call) -> Answer:
    """`OPTIONS [base]` is answered with what the server can do; elsewhere with what the address takes."""
    if not call.path:
        return await capabilities(call)
    return Answer(204 if methods(call.path) else 404, b"", allowed(call))


async def _answer(call: Call, request: Request) -> Answer:
    if call.path not in OPEN:
        caller = await call.services.gate.caller(request.headers.get("authorization"), request.headers)
        call = replace(call, caller=caller)
    try:
        answer = await dispatch(replace(call, body=understood(call)))
    except Exception as error:
        return await _refused(call, error)
    if call.path not in OPEN:
        await audit(call, answer)
    return answer


async def _refused(call: Call, error: Exception) -> Answer:
    problem = fault(error)
    if not isinstance(error, HieError | RecordError):
        _log.error("request failed", error=type(error).__name__, request_id=call.request_id, exc_info=True)
    answer = refusal(problem)
    if call.body and call.method in ("POST", "PUT", "PATCH") and call.path[-1:] != ("_search",):
        await call.services.journal.keep_rejected(
            channel="fhir", raw=call.body, reason=problem.text, sender=call.caller.client or ""
        )
    await audit(call, answer)
    return answer
