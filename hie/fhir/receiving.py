"""
A request as it comes: headers, query, body without its coding, and the formats it names.

https://hl7.org/fhir/R4/http.html#mime-type
"""

from __future__ import annotations

import re
import uuid
from dataclasses import replace

from starlette.requests import Request

from hie.access.caller import ANONYMOUS
from hie.errors import HieError, Unsupported
from hie.fhir.call import Call, Params, parse_form, parse_query
from hie.fhir.coding import unfolded
from hie.fhir.formats import JSON, JSON_TYPES, XML, XML_TYPES, NotAcceptable, Spoken, sent, speaks_utf8, wanted
from hie.fhir.formats.from_xml import from_xml
from hie.fhir.patching import KINDS
from hie.fhir.router import dispatch
from hie.fhir.services import FhirServices
from records.errors import NotUnderstood, RecordError, TooCostly
from records.stored import encode

FORM_TYPE = "application/x-www-form-urlencoded"
GRAPHQL_TYPE = "application/graphql"
# Headers that say one thing: told twice, two readers of a request could each take another.
ONCE = ("authorization", "content-type", "content-encoding", "if-match", "if-none-exist", "if-modified-since", "prefer")
GIVEN_ID = re.compile(r"^[A-Za-z0-9\-_.]{1,64}$")


class Unread(Exception):
    """A body that was not taken: why, and what came of it, which is kept."""

    def __init__(self, reason: HieError | RecordError, body: bytes) -> None:
        super().__init__()
        self.reason, self.body = reason, body


def begun(services: FhirServices, request: Request) -> Call:
    """The call before its body was read: what a refusal needs to know."""
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
        request_id=given if GIVEN_ID.match(given) else str(uuid.uuid4()),
        address=request.client.host if request.client else "",
    )


async def received(call: Call, request: Request) -> Call:
    """The call with its query and body; NotUnderstood where a header that stands once is there twice."""
    if len(call.headers) != len(request.headers.raw):
        given = [name.decode("latin-1").lower() for name, _ in request.headers.raw]
        if twice := [name for name in ONCE if given.count(name) > 1]:
            raise NotUnderstood(f"The header {twice[0]} stands more than once.")
    limit = call.services.settings.fhir_max_bytes
    call = replace(call, query=parse_query(request.url.query), body=await _body(request, limit))
    if "content-encoding" not in call.headers:
        return call
    try:
        return replace(call, body=unfolded(call.body, call.header("content-encoding"), limit))
    except (HieError, RecordError) as error:
        raise Unread(error, call.body) from error


async def _body(request: Request, limit: int) -> bytes:
    chunks, size = list[bytes](), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            begun = b"".join((*chunks, chunk))[:limit]
            raise Unread(TooCostly(f"A request body may have {limit} bytes."), begun)
        chunks.append(chunk)
    return b"".join(chunks)


def spoken_of(call: Call) -> Spoken:
    """The format of the answer."""
    if (charset := call.header("accept-charset")) is not None and not speaks_utf8(charset):
        raise NotAcceptable("This server speaks UTF-8.")
    return wanted(dict(presentation(call)).get("_format"), call.header("accept"))


def presentation(call: Call) -> Params:
    """The parameters that may name a format: a search by POST has them in its form too."""
    if call.path[-1:] != ("_search",):
        return call.query
    try:
        return (*call.query, *parse_form(call.body))
    except NotUnderstood:
        return call.query


def understood(call: Call) -> bytes:
    """The body as JSON (or as the form of a search); Unsupported for a type that is not taken."""
    kind = sent(call.header("content-type") or JSON)
    if kind in XML_TYPES and call.body:
        return encode(from_xml(call.body))
    form = call.path[-1:] == ("_search",) and kind == FORM_TYPE
    patch = call.method == "PATCH" and kind in KINDS
    query = call.path[-1:] == ("$graphql",) and kind == GRAPHQL_TYPE
    if not call.body or form or patch or query or kind in JSON_TYPES:
        return call.body
    raise Unsupported(f"The body must be {JSON} or {XML}.")
