"""
The two addresses that speak NDJSON: a file of a job on its way out, and lines sent with $import on their way in.

Both are streams: no file is ever whole in memory. https://hl7.org/fhir/uv/bulkdata/export.html
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import replace

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from hie.access.caller import ANONYMOUS
from hie.errors import HieError, Unsupported, fault
from hie.fhir.auditing import audit
from hie.fhir.bulk.disclosure import lines_of
from hie.fhir.bulk.export import accepted, require_async, too_many
from hie.fhir.bulk.importing import permit
from hie.fhir.bulk.job import Input, Job, Progress
from hie.fhir.bulk.jobs import owner_of
from hie.fhir.bulk.lines import NDJSON, SPELLINGS
from hie.fhir.bulk.staging import Staging
from hie.fhir.call import Answer, Call, parse_query
from hie.fhir.coding import GZIP, folding, takes_gzip
from hie.fhir.formats import PLAIN, NotAcceptable, bare
from hie.fhir.outcome import refusal
from hie.fhir.router import dispatch
from hie.fhir.services import FhirServices
from hie.fhir.web import serve
from records.documents import moment
from records.errors import NotUnderstood, RecordError, UnknownParameter

ANYTHING = frozenset({"", "*/*", "application/*"})
UPLOAD = "input-0"
_GZIP_BITS = 31
_PART = 262_144
_log = structlog.get_logger("hie.bulk")
_Door = Callable[[Call, Request], Awaitable[Response]]


def bulk_routes(services: FhirServices) -> list[Route]:
    """Routes that stand before those of the interface: `/fhir/$import` and `/fhir/_bulk/[job]/[file]`."""

    async def upload_or_serve(request: Request) -> Response:
        if bare(request.headers.get("content-type", "")) not in SPELLINGS:
            request.scope["path_params"] = {"path": "$import"}
            return await serve(services, request)
        return await _guarded(services, request, ("$import",), _upload)

    async def file(request: Request) -> Response:
        found = request.path_params
        return await _guarded(services, request, ("_bulk", found["job"], found["file"]), _file)

    return [
        Route("/fhir/$import", upload_or_serve, methods=["POST"]),
        Route("/fhir/_bulk/{job}/{file}", file, methods=["GET"]),
    ]


async def _guarded(services: FhirServices, request: Request, path: tuple[str, ...], door: _Door) -> Response:
    """The caller's identity before, an OperationOutcome for what goes wrong."""
    call = Call(
        services, dispatch, ANONYMOUS, request.method, path,
        headers={name.lower(): value for name, value in request.headers.items()}, base=services.settings.fhir_url,
        request_id=str(uuid.uuid4()), address=request.client.host if request.client else "",
    )  # fmt: skip
    try:
        call = replace(call, query=parse_query(request.url.query))
        caller = await services.gate.caller(request.headers.get("authorization"), request.headers)
        call = replace(call, caller=caller)
        return await door(call, request)
    except ClientDisconnect:
        raise
    except Exception as error:
        if not isinstance(error, HieError | RecordError):
            _log.error("bulk request failed", error=type(error).__name__, request_id=call.request_id, exc_info=True)
        return await _answered(call, refusal(fault(error)))


async def _answered(call: Call, answer: Answer) -> Response:
    await audit(call, answer)
    headers = {**_headers(call), "Content-Type": PLAIN.content_type, **answer.headers}
    return Response(answer.body, answer.status, headers)


def _headers(call: Call) -> dict[str, str]:
    return {
        "Cache-Control": "no-store",
        "Vary": "Accept, Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": call.request_id,
    }


# Out


async def _file(call: Call, _request: Request) -> Response:
    """`GET [base]/_bulk/[job]/[file]`: NDJSON, gzip where the client takes it."""
    offered = {bare(one) for one in (call.header("accept") or "").split(",")}
    if not offered & (ANYTHING | SPELLINGS):
        raise NotAcceptable(f"The files of a job are {NDJSON}.")
    _, job, name = call.path
    parts = await _begun(lines_of(call, job, name))
    headers = {**_headers(call), "Content-Type": NDJSON, "Content-Disposition": f'attachment; filename="{name}.ndjson"'}
    if takes_gzip(call.header("accept-encoding")):
        return StreamingResponse(folding(parts), 200, {**headers, "Content-Encoding": "gzip"})
    return StreamingResponse(parts, 200, headers)


async def _begun(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same with its first part made already: what cannot be shown is refused before the status leaves."""
    first = [part async for part in _first(parts)]

    async def whole() -> AsyncIterator[bytes]:
        for part in first:
            yield part
        async for part in parts:
            yield part

    return whole()


async def _first(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for part in parts:
        yield part
        return


# In


async def _upload(call: Call, request: Request) -> Response:
    """`POST [base]/$import` with NDJSON: every line is durable before the answer, and filed in the background."""
    require_async(call)
    permit(call.caller)
    if call.query and not call.lenient:
        raise UnknownParameter("$import with lines takes no parameters.")
    services, at = call.services, moment(call.services.clock())
    job = Job(
        str(uuid.uuid4()), owner_of(call.caller), call.caller, f"{call.base}/$import", at, "receiving",
        inputs=(Input(),), progress=Progress(staged=True, cursor=UPLOAD), touched=at,
    )  # fmt: skip
    if not await services.bulk.add(job, services.settings.bulk_jobs):
        return await _answered(call, too_many("import"))
    settings = services.settings
    staging = Staging(services.bulk, job, UPLOAD, settings.fhir_max_bytes, settings.bulk_import_bytes)
    try:
        await staging.take(_unfolded(request, call.header("content-encoding")))
        answer = accepted(call, job, "import")
        response = await _answered(call, answer)
        await services.bulk.change(job, state="open")
    except BaseException:
        # Half a file is no file: the sender did not hear that it was taken, and sends it again.
        await services.bulk.cancel(job)
        raise
    return response


async def _unfolded(request: Request, coding: str | None) -> AsyncGenerator[bytes, None]:
    """The body as it comes, without its gzip; no part unfolds to more than a bounded piece."""
    name = (coding or "identity").strip().lower()
    if name not in GZIP | {"identity"}:
        raise Unsupported("A body may be sent as it is, or with Content-Encoding: gzip.")
    reader = zlib.decompressobj(_GZIP_BITS) if name in GZIP else None
    async for part in request.stream():
        if reader is None:
            yield part
            continue
        while part:
            try:
                yield reader.decompress(part, _PART)
            except zlib.error as error:
                raise NotUnderstood("The body is not gzip, as its Content-Encoding says.") from error
            part = reader.unconsumed_tail
            if reader.eof and reader.unused_data:
                part, reader = reader.unused_data, zlib.decompressobj(_GZIP_BITS)
    if reader is not None and not reader.eof:
        raise NotUnderstood("The body ends before its gzip stream does.")
