"""
HL7 v2 over HTTP: `POST /hl7v2` with one message or one batch; the answer is the acknowledgement.

Outside the demonstration a bearer token is needed whose scopes let it write every type. The HTTP status says the same
as MSA-1: 200 AA; 422 AE; 415 AR for a type or version not taken, 413 for too much, 503 for send again; 202 where the
sender asked for no answer. https://hapifhir.github.io/hapi-hl7v2/hapi-hl7overhttp/specification.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.errors import AdapterError, NotUnderstood
from adapters.hl7v2 import ack, parser
from adapters.hl7v2.header import Header
from hie.access.gate import Gate
from hie.errors import HieError, Refused, Unsupported, fault
from hie.exchange.ids import Clock
from hie.exchange.intake import Intake
from hie.settings import Settings

MEDIA_TYPE = "application/hl7-v2"
TAKEN = frozenset({MEDIA_TYPE, "x-application/hl7-v2+er7", "application/hl7-v2+er7", "text/plain"})
_CODE = re.compile(rb"[\r\n]MSA.([AC][AER])")
_CONDITION = re.compile(rb"[\r\n]ERR[^\r\n]*?(20[0-3])[^\w\r\n]")


@dataclass(frozen=True, slots=True)
class Body:
    """What came, as the intake takes it; `total` counts bytes that were not kept as well."""

    data: bytes
    truncated: bool
    total: int
    problem: str = ""


class Hl7OverHttp:
    """The endpoint."""

    def __init__(self, settings: Settings, gate: Gate, intake: Intake, clock: Clock) -> None:
        self._settings, self._gate, self._intake, self._clock = settings, gate, intake, clock

    def routes(self) -> list[Route]:
        """Its only route."""
        return [Route("/hl7v2", self.accept, methods=["POST"])]

    async def accept(self, request: Request) -> Response:
        """Take a message or a batch; refused senders are told in HL7, and nothing of theirs is kept."""
        body = await _read(request, self._settings.mllp_max_bytes)
        try:
            _check_type(request)
            await self._permit(request)
        except HieError as error:
            return self._refused(body, error)
        answer = await self._intake.accept(body, "http")
        return _response(answer or b"", status_of(answer, too_large=body.truncated))

    async def _permit(self, request: Request) -> None:
        authorization = request.headers.get("authorization")
        if authorization is None and self._settings.mode == "demo":
            return
        caller = await self._gate.caller(authorization, request.headers)
        visibility = await self._gate.visibility(caller, "*", "create")
        if visibility.patients is not None:
            raise Refused("A token for one record cannot send messages about others.")

    def _refused(self, body: Body, error: HieError) -> Response:
        status = fault(error).status
        answer = ack.acknowledge(
            _header(body.data), error.acknowledgement, error=AdapterError(error.text), clock=self._clock
        )
        headers = {"WWW-Authenticate": 'Bearer realm="hl7v2"'} if status == 401 else {}
        return _response(answer or b"", status, headers)


def status_of(answer: bytes | None, *, too_large: bool = False) -> int:
    """The HTTP status of an acknowledgement, or of several: the gravest of theirs."""
    if not answer:
        return 202
    codes = {code[1:] for code in _CODE.findall(answer)}
    if b"R" in codes:
        return 413 if too_large else 415 if _CONDITION.search(answer) else 503
    return 422 if b"E" in codes else 200


async def _read(request: Request, limit: int) -> Body:
    """Up to the limit and a little: what is too large is kept as far as it came."""
    chunks, size = list[bytes](), 0
    async for chunk in request.stream():
        if size <= limit:
            chunks.append(chunk)
        size += len(chunk)
    # Framing characters of a sender that speaks MLLP over HTTP are no part of the message.
    data = b"".join(chunks).strip(b"\x0b\x1c")
    return Body(data, size > limit, size)


def _check_type(request: Request) -> None:
    sent = request.headers.get("content-type", MEDIA_TYPE).split(";")[0].strip().lower()
    if sent not in TAKEN:
        raise Unsupported(f"The body must be {MEDIA_TYPE}.")


def _header(raw: bytes) -> Header | None:
    try:
        return parser.read_header(raw)
    except NotUnderstood:
        return None


def _response(answer: bytes, status: int, headers: dict[str, str] | None = None) -> Response:
    # No charset parameter: the answer is in the sender's, which MSH-18 names.
    return Response(answer, status, {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store", **(headers or {})})
