"""
The HTTP edge: bytes in, the caller's identity, the audit trail, bytes out.

Nothing leaves before the audit trail holds it, and nothing is refused without an OperationOutcome.
https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import re
import uuid
from dataclasses import replace

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from hie.access.caller import ANONYMOUS
from hie.errors import HieError, Unsupported, fault
from hie.fhir.auditing import audit
from hie.fhir.call import Answer, Call, parse_query
from hie.fhir.outcome import refusal
from hie.fhir.patching import KINDS
from hie.fhir.router import dispatch
from hie.fhir.services import FhirServices
from records.errors import RecordError, TooCostly

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
OPEN = frozenset({("metadata",)})
JSON_TYPES = frozenset({"application/fhir+json", "application/json", "text/json", "application/json+fhir"})
FORM_TYPE = "application/x-www-form-urlencoded"
ACCEPTED = (*JSON_TYPES, "*/*", "application/*", "text/*", "text/html", "json")

_REQUEST_ID = re.compile(r"^[A-Za-z0-9\-_.]{1,64}$")
_log = structlog.get_logger("hie.fhir")


class NotAcceptable(HieError):
    """The client wants a format that is not spoken here."""

    issue = "not-supported"
    status = 406


def fhir_routes(services: FhirServices) -> list[Route]:
    """Routes for everything below `/fhir`."""

    async def endpoint(request: Request) -> Response:
        return await serve(services, request)

    return [Route("/fhir", endpoint, methods=METHODS), Route("/fhir/{path:path}", endpoint, methods=METHODS)]


async def serve(services: FhirServices, request: Request) -> Response:
    """One request from socket to socket."""
    call = _call(services, request)
    try:
        body = await _body(request, services.settings.fhir_max_bytes)
        call = replace(call, query=parse_query(request.url.query), body=body)
        answer = await _answer(call, request)
    except Exception as error:
        answer = await _refused(call, error)
    return _response(call, answer)


async def _answer(call: Call, request: Request) -> Answer:
    _negotiate(call)
    if call.path not in OPEN:
        caller = await call.services.gate.caller(request.headers.get("authorization"), request.headers)
        call = replace(call, caller=caller)
    try:
        answer = await dispatch(call)
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


def _call(services: FhirServices, request: Request) -> Call:
    given = request.headers.get("x-request-id", "")
    return Call(
        services,
        dispatch,
        ANONYMOUS,
        request.method,
        tuple(part for part in request.path_params.get("path", "").split("/") if part),
        (),
        {name.lower(): value for name, value in request.headers.items()},
        base=services.settings.fhir_url,
        request_id=given if _REQUEST_ID.match(given) else str(uuid.uuid4()),
        address=request.client.host if request.client else "",
    )


async def _body(request: Request, limit: int) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooCostly(f"A request body may have {limit} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)


def _negotiate(call: Call) -> None:
    """Refuse formats that are neither sent nor spoken here."""
    wanted = dict(call.query).get("_format") or call.header("accept") or "*/*"
    offered = [part.split(";")[0].strip().lower() for part in wanted.split(",")]
    if not any(part in ACCEPTED for part in offered):
        raise NotAcceptable("This server speaks application/fhir+json.")
    sent = (call.header("content-type") or "application/fhir+json").split(";")[0].strip().lower()
    form = call.path[-1:] == ("_search",) and sent == FORM_TYPE
    patch = call.method == "PATCH" and sent in KINDS
    if call.body and sent not in JSON_TYPES and not form and not patch:
        raise Unsupported("The body must be application/fhir+json.")


def _response(call: Call, answer: Answer) -> Response:
    headers = {
        **answer.headers,
        "Content-Type": "application/fhir+json; charset=utf-8",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": call.request_id,
    }
    if answer.stream is not None:
        return StreamingResponse(answer.stream, answer.status, headers)
    body = b"" if answer.status in (204, 304) or call.method == "HEAD" else answer.body
    if ("_pretty", "true") in call.query and body:
        body = _pretty(body)
    return Response(body, answer.status, headers)


def _pretty(body: bytes) -> bytes:
    return msgspec.json.format(body, indent=2)
