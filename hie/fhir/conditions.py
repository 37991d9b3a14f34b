"""
Conditions on a write: If-Match, If-None-Exist, and searches that must select at most one.

https://hl7.org/fhir/R4/http.html#concurrency
"""

from __future__ import annotations

import re

from hie.fhir.call import Call, Params
from records.errors import Invalid, PreconditionFailed
from records.stored import Stored, Visibility

_ETAG = re.compile(r'^(?:W/)?"?(\d+)"?$')


def version_asked(call: Call) -> int | None:
    """The version of If-Match, or None; PreconditionFailed where it is no version of ours."""
    return parse_etag(call.header("if-match"))


def parse_etag(value: str | None) -> int | None:
    """`W/"3"` to 3."""
    if value is None or value.strip() == "*":
        return None
    found = _ETAG.match(value.strip())
    if not found:
        raise PreconditionFailed('If-Match names no version of this server; it looks like W/"3".')
    return int(found[1])


def condition(query: Params) -> Params:
    """What of a query selects resources; Invalid where nothing does."""
    asked = tuple((name, value) for name, value in query if name not in ("_format", "_pretty"))
    if not asked:
        raise Invalid("A condition without search parameters would match everything.", status=412)
    return asked


async def matches(call: Call, resource_type: str, query: Params, visibility: Visibility) -> tuple[Stored, ...]:
    """At most two resources that match: none, one and several is all that a condition asks."""
    asked = (*condition(query), ("_count", "2"), ("_total", "none"))
    page = await call.services.store.search(resource_type, asked, visibility=visibility)
    return page.matches
