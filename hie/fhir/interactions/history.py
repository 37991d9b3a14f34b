"""
history of an instance, a type and the whole system, newest first.

https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from hie.fhir.bundles import history_entry, join, link
from hie.fhir.call import Answer, Call


async def history(call: Call) -> Answer:
    """`GET [base]/[type]/[id]/_history` and its wider forms; `_since`, `_at`, `_list`, `_count`, and a cursor."""
    named = [part for part in call.path if part != "_history"]
    resource_type = named[0] if named else None
    resource_id = named[1] if len(named) > 1 else None
    visibility = await call.visibility(resource_type or "*", "history")
    params = tuple(pair for pair in call.query if pair[0] not in ("_format", "_pretty"))
    page = await call.services.store.history(
        resource_type, resource_id, params, visibility=visibility, session=call.session
    )
    path = "/".join(call.path)
    rest = tuple(pair for pair in params if pair[0] != "_cursor")
    links = [("self", link(call.base, path, params)), ("first", link(call.base, path, rest))]
    if page.next_cursor:
        links.append(("next", link(call.base, path, (*rest, ("_cursor", page.next_cursor)))))
    entries = (history_entry(call.base, row) for row in page.matches)
    body = join("history", links, page.total, entries, call.services.clock())
    return Answer(200, body, {}, page.matches, interaction="history")
