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
from hie.fhir.formats import CONTENT_TYPES, JSON, JSON_TYPES, XML, XML_TYPES, Format, bare, wanted
from hie.fhir.formats.from_xml import from_xml
from hie.fhir.formats.to_xml import to_xml
from hie.fhir.outcome import refusal
from hie.fhir.patching import KINDS
from hie.fhir.router import dispatch
from hie.fhir.services import FhirServices
from records.errors import RecordError, TooCostly
from records.stored import encode

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
OPEN = frozenset({("metadata",)})
FORM_TYPE = "application/x-www-form-urlencoded"

_REQUEST_ID = re.compile(r"^[A-Za-z0-9\-_.]{1,64}$")
_log = structlog.get_logger("hie.fhir")


class Oversize(TooCostly):
    """More bytes than are taken; `begun` is what came up to there, and is kept."""

    def __init__(self, text: str, begun: bytes) -> None:
        super().__init__(text)
        self.begun = begun


def fhir_routes(services: FhirServices) -> list[Route]:
    """Routes for everything below `/fhir`."""

    async def endpoint(request: Request) -> Response:
        return await serve(services, request)

    return [Route("/fhir", endpoint, methods=METHODS), Route("/fhir/{path:path}", endpoint, methods=METHODS)]


async def serve(services: FhirServices, request: Request) -> Response:
    """One request from socket to socket."""
    call = _call(services, request)
    spoken: Format = "json"
    try:
        body = await _body(request, services.settings.fhir_max_bytes)
        call = replace(call, query=parse_query(request.url.query), body=body)
        spoken = wanted(dict(call.query).get("_format"), call.header("accept"))
        answer = await _answer(call, request)
    except Oversize as error:
        answer = await _refused(replace(call, body=error.begun), error)
    except Exception as error:
        answer = await _refused(call, error)
    return await _response(call, answer, spoken)


async def _answer(call: Call, request: Request) -> Answer:
    if call.path not in OPEN:
        caller = await call.services.gate.caller(request.headers.get("authorization"), request.headers)
        call = replace(call, caller=caller)
    try:
        answer = await dispatch(replace(call, body=_understood(call)))
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
    chunks, size = list[bytes](), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise Oversize(f"A request body may have {limit} bytes.", b"".join((*chunks, chunk))[:limit])
        chunks.append(chunk)
    return b"".join(chunks)


def _understood(call: Call) -> bytes:
    """The body as JSON (or as the form of a search); Unsupported for a type that is not taken."""
    sent = bare(call.header("content-type") or JSON)
    form = call.path[-1:] == ("_search",) and sent == FORM_TYPE
    patch = call.method == "PATCH" and sent in KINDS
    if not call.body or form or patch or sent in JSON_TYPES:
        return call.body
    if sent in XML_TYPES:
        return encode(from_xml(call.body))
    raise Unsupported(f"The body must be {JSON} or {XML}.")


async def _response(call: Call, answer: Answer, spoken: Format) -> Response:
    headers = {
        **answer.headers,
        "Content-Type": CONTENT_TYPES[spoken],
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": call.request_id,
    }
    if answer.stream is not None and spoken == "json":
        return StreamingResponse(answer.stream, answer.status, headers)
    body = answer.body if answer.stream is None else b"".join([part async for part in answer.stream])
    if answer.status in (204, 304) or call.method == "HEAD":
        body = b""
    return Response(_written(body, spoken, pretty=("_pretty", "true") in call.query), answer.status, headers)


def _written(body: bytes, spoken: Format, *, pretty: bool) -> bytes:
    if not body:
        return body
    if spoken == "xml":
        return to_xml(body, pretty=pretty)
    return msgspec.json.format(body, indent=2) if pretty else body
