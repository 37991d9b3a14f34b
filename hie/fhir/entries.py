"""
Entries of a batch or transaction: each runs as a call of its own and becomes one entry of the response.

https://hl7.org/fhir/R4/bundle.html#bundle-response
"""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import structlog

from hie.errors import HieError, fault
from hie.fhir.call import Answer, Call, Params, split_url
from hie.fhir.outcome import refusal
from hie.fhir.patching.entries import patch_of
from hie.fhir.submission import Entry
from records.documents import instant
from records.errors import Invalid, RecordError
from records.stored import encode

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Answers that speak of one version of one resource.
SINGLE = frozenset({"read", "vread", "create", "update", "patch", "delete"})
OUTCOME = b'{"resourceType":"OperationOutcome"'
_URN = re.compile(rb'"(urn:[^"\\]+)"')
_log = structlog.get_logger("hie.fhir")


async def run_entry(call: Call, entry: Entry, urns: frozenset[bytes] = frozenset()) -> Answer:
    """
    Run one entry of a batch: its failure is its own answer, and what it brought is kept.

    `urns` are the names of all its entries: they stand alone, and a reference to one would be stored as a dead link.
    """
    try:
        if urns and any(found[1] in urns for found in _URN.finditer(entry.resource)):
            raise Invalid("The entries of a batch cannot refer to each other; those of a transaction can.", status=400)
        return await perform(call, entry)
    except Exception as error:
        if not isinstance(error, HieError | RecordError):
            _log.error("entry failed", error=type(error).__name__, request_id=call.request_id, exc_info=True)
        problem = fault(error)
        if entry.resource and entry.method in CHANGING:
            await call.services.journal.keep_rejected(
                channel="fhir", raw=entry.resource, reason=problem.text, sender=call.caller.client or ""
            )
        return refusal(problem)


async def perform(call: Call, entry: Entry) -> Answer:
    """Run one entry through the router; raises what the interaction raises."""
    path, query = address(call, entry)
    if not path:
        raise Invalid("An entry cannot be a bundle for the base.", status=400)
    headers, body = dict(entry.headers), entry.resource
    if entry.method == "PATCH":
        headers["content-type"], body = patch_of(entry.resource)
    shared = {"prefer": call.header("prefer") or ""}
    inner = replace(call, method=entry.method, path=path, query=query, headers=shared | headers, body=body)
    return await _whole(await call.dispatch(inner))


def address(call: Call, entry: Entry) -> tuple[tuple[str, ...], Params]:
    """Path and query of the entry's url, which may begin with the base."""
    return split_url(entry.url.removeprefix(f"{call.base}/"))


async def _whole(answer: Answer) -> Answer:
    """An answer that comes as a stream stands in the bundle with all of it."""
    if answer.stream is None:
        return answer
    return replace(answer, body=b"".join([part async for part in answer.stream]), stream=None)


def _wrapped(answer: Answer) -> bytes:
    kind, data = answer.headers["Content-Type"], base64.b64encode(answer.body).decode()
    return encode({"resourceType": "Binary", "contentType": kind, "data": data})


def response_entry(answer: Answer, *, head: bool = False) -> bytes:
    """One entry of the response bundle, with the resource or the outcome where there is one."""
    response: dict[str, object] = {"status": str(answer.status)}
    for header, name in (("Location", "location"), ("ETag", "etag")):
        if header in answer.headers:
            response[name] = answer.headers[header]
    if answer.rows and answer.interaction in SINGLE and len(answer.rows) == 1:
        response["lastModified"] = instant(answer.rows[0].updated)
    body = b"" if head else answer.body
    if body and "Content-Type" in answer.headers:
        # What is no resource (the answer of $graphql) cannot stand in a bundle by itself.
        return b'{"resource":' + _wrapped(answer) + b',"response":' + encode(response) + b"}"
    if answer.status >= 400 or (answer.interaction in SINGLE and body.startswith(OUTCOME)):
        return b'{"response":' + encode(response)[:-1] + b',"outcome":' + body + b"}}"
    resource = b'"resource":' + body + b"," if body else b""
    return b"{" + resource + b'"response":' + encode(response) + b"}"
