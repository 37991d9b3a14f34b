"""
Bundles joined from stored texts: a search never decodes what it found.

https://hl7.org/fhir/R4/bundle.html
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from urllib.parse import quote, urlencode

from hie.fhir.call import Params
from records.documents import instant
from records.stored import Stored, encode

Link = tuple[str, str]


def link(base: str, path: str, params: Params) -> str:
    """An absolute address with its query; `,|$:` stay readable."""
    query = urlencode(params, safe=",|$:/", quote_via=quote)
    address = f"{base}/{path}" if path else base
    return f"{address}?{query}" if query else address


def opening(kind: str, links: Sequence[Link], total: int | None, now: datetime) -> bytes:
    """The bundle up to its entries, without the closing brace."""
    head: dict[str, object] = {
        "resourceType": "Bundle",
        "id": str(uuid.uuid4()),
        "meta": {"lastUpdated": instant(now)},
        "type": kind,
    }
    if total is not None:
        head["total"] = total
    if links:
        head["link"] = [{"relation": relation, "url": url} for relation, url in links]
    return encode(head)[:-1]


def join(kind: str, links: Sequence[Link], total: int | None, entries: Iterable[bytes], now: datetime) -> bytes:
    """A whole bundle; without entries there is no `entry` element (FHIR forbids empty arrays)."""
    body = b",".join(entries)
    head = opening(kind, links, total, now)
    return head + (b',"entry":[' + body + b"]}" if body else b"}")


def searchset_entry(base: str, row: Stored, text: bytes, mode: str) -> bytes:
    """One row of a search."""
    return (
        b'{"fullUrl":"' + f"{base}/{row.reference}".encode() + b'","resource":' + text
        + b',"search":{"mode":"' + mode.encode() + b'"}}'
    )  # fmt: skip


def history_entry(base: str, row: Stored) -> bytes:
    """One version: what was done, and when."""
    # What was stored before creations were marked began with its first version.
    created = row.created or ("POST" if row.version == 1 else "")
    method = "DELETE" if row.deleted else created or "PUT"
    status = "204" if row.deleted else ("201" if created else "200")
    url = row.type if method == "POST" else row.reference
    tail = encode(
        {
            "request": {"method": method, "url": url},
            "response": {
                "status": status,
                "etag": row.etag,
                "lastModified": instant(row.updated),
            }
            | ({"location": f"{base}/{row.reference}/_history/{row.version}"} if created and not row.deleted else {}),
        }
    )
    resource = b"" if row.deleted else b'"resource":' + row.text + b","
    return b'{"fullUrl":"' + f"{base}/{row.reference}".encode() + b'",' + resource + tail[1:]
