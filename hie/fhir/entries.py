"""
Entries of a batch or transaction: each runs as a call of its own and becomes one entry of the response.

https://hl7.org/fhir/R4/bundle.html#bundle-response
"""

from __future__ import annotations

from hie.errors import fault
from hie.fhir.call import Answer, Call
from hie.fhir.outcome import refusal
from hie.fhir.submission import Entry
from records.errors import Invalid
from records.stored import encode


async def run_entry(call: Call, entry: Entry) -> Answer:
    """Run one entry through the router; its failure is its own answer, not the bundle's."""
    inner = call.entry(entry.method, entry.url, entry.headers, entry.resource)
    try:
        if not inner.path:
            raise Invalid("An entry cannot be a bundle for the base.", status=400)
        return await call.dispatch(inner)
    except Exception as error:
        return refusal(fault(error))


def response_entry(answer: Answer) -> bytes:
    """One entry of the response bundle, with the resource or the outcome where there is one."""
    response: dict[str, object] = {"status": str(answer.status)}
    for header, name in (("Location", "location"), ("ETag", "etag")):
        if header in answer.headers:
            response[name] = answer.headers[header]
    if answer.status >= 400:
        return b'{"response":' + encode(response)[:-1] + b',"outcome":' + answer.body + b"}}"
    resource = b'"resource":' + answer.body + b"," if answer.body else b""
    return b"{" + resource + b'"response":' + encode(response) + b"}"
