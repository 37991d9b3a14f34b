"""
How a stored version is announced: entity tag, time, place; and what `Prefer: return` asks to see.

https://hl7.org/fhir/R4/http.html#ops
"""

from __future__ import annotations

from datetime import UTC
from email.utils import format_datetime

from hie.fhir.call import Answer, Call
from hie.fhir.outcome import informational
from records.stored import Stored


def headers_of(row: Stored) -> dict[str, str]:
    """ETag and Last-Modified."""
    # The database's own UTC is another object than Python's, and format_datetime takes only that one.
    return {"ETag": row.etag, "Last-Modified": format_datetime(row.updated.astimezone(UTC), usegmt=True)}


def location(call: Call, row: Stored) -> str:
    """Address of this version."""
    return f"{call.base}/{row.reference}/_history/{row.version}"


def written(call: Call, row: Stored, status: int, interaction: str) -> Answer:
    """The answer to a create or update: the resource, nothing, or an outcome, as preferred."""
    headers = headers_of(row) | {"Location": location(call, row)}
    match call.prefers("return"):
        case "minimal":
            body = b""
        case "operationoutcome":
            body = informational("The resource is stored.")
        case _:
            body = row.text
    return Answer(status, body, headers, (row,), interaction=interaction)
