"""
An answer as it leaves: format, coding, and the headers that go with its status.

https://hl7.org/fhir/R4/http.html#http
"""

from __future__ import annotations

import msgspec
from starlette.responses import Response, StreamingResponse

from hie.fhir.call import Answer, Call
from hie.fhir.coding import folded, folding, takes_gzip
from hie.fhir.crossing import opened
from hie.fhir.formats import Format, Spoken
from hie.fhir.formats.to_xml import to_xml
from hie.fhir.patching import KINDS
from hie.fhir.receiving import GIVEN_ID, presentation
from hie.fhir.router import methods


async def response(call: Call, answer: Answer, spoken: Spoken) -> Response:
    """The answer on the wire."""
    headers = {"Content-Type": spoken.content_type, **_headers(call, answer), **answer.headers}
    packed = takes_gzip(call.headers.get("accept-encoding"))
    if answer.stream is not None and spoken.format == "json" and call.method != "HEAD":
        if packed:
            headers["Content-Encoding"] = "gzip"
        return StreamingResponse(folding(answer.stream) if packed else answer.stream, answer.status, headers)
    body = answer.body if answer.stream is None else b"".join([part async for part in answer.stream])
    # What names its own content type is no resource, and stays as it is.
    form: Format = "json" if "Content-Type" in answer.headers else spoken.format
    body = _written(body, form, pretty=("_pretty", "true") in presentation(call))
    if packed and len(body) >= call.services.settings.fhir_gzip_bytes > 0:
        body, headers["Content-Encoding"] = folded(body), "gzip"
    if answer.status in (204, 304) or not body:
        del headers["Content-Type"]
        body = b""
    if call.method == "HEAD":
        headers["Content-Length"], body = str(len(body)), b""
    return Response(body, answer.status, headers)


def _headers(call: Call, answer: Answer) -> dict[str, str]:
    """What every answer has, and what only some do."""
    headers = {
        "Cache-Control": "no-store",
        "Vary": "Accept, Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": call.request_id,
    }
    if GIVEN_ID.match(correlation := call.headers.get("x-correlation-id", "")):
        headers["X-Correlation-Id"] = correlation
    if "origin" in call.headers:
        headers |= opened(call.services.settings.fhir_cors_origins, call.header("origin"))
    match answer.status:
        case 405:
            headers |= allowed(call)
        case 415 if call.method == "PATCH":
            headers["Accept-Patch"] = ", ".join(KINDS)
        case 415:
            headers["Accept-Encoding"] = "gzip"
    return headers


def allowed(call: Call) -> dict[str, str]:
    """What the address takes."""
    return {"Allow": ", ".join([*methods(call.path), "OPTIONS"])}


def _written(body: bytes, spoken: Format, *, pretty: bool) -> bytes:
    if not body:
        return body
    if spoken == "xml":
        return to_xml(body, pretty=pretty)
    return msgspec.json.format(body, indent=2) if pretty else body
