"""
delete, by id or by condition: the resource is seen no more, its history stays.

https://hl7.org/fhir/R4/http.html#delete
"""

from __future__ import annotations

from collections.abc import Sequence

from hie.fhir.call import Answer, Call
from hie.fhir.conditions import doomed, expected, in_one
from hie.fhir.outcome import informational
from hie.fhir.unasked import form_alone
from hie.fhir.writing import file_all, write_one
from records.stored import Stored, Visibility, Write


async def delete(call: Call) -> Answer:
    """`DELETE [base]/[type]/[id]`; deleting what is gone already succeeds."""
    resource_type, resource_id = call.path
    visibility = await call.visibility(resource_type, "delete")
    form_alone(call)

    def decide(current: Stored | None) -> Write | None:
        expected(call.header("if-match"), current)
        return Write("delete", resource_type, resource_id, replaces=current) if current else None

    row = await write_one(call, resource_type, resource_id, visibility, decide, hides=True)
    return _answer(call, [row] if row else [])


async def conditional_delete(call: Call) -> Answer:
    """`DELETE [base]/[type]?...`: all that match, as many as the settings allow, or none of them."""
    (resource_type,) = call.path
    visibility = await call.visibility(resource_type, "delete")
    return _answer(call, await in_one(call, lambda inner: _by_condition(inner, resource_type, visibility)))


async def _by_condition(call: Call, resource_type: str, visibility: Visibility) -> list[Stored]:
    found = await doomed(call, resource_type, call.query, visibility)
    for row in found or (None,):
        expected(call.header("if-match"), row)
    return await _gone(call, found)


async def _gone(call: Call, found: Sequence[Stored]) -> list[Stored]:
    return await file_all(call, [Write("delete", row.type, row.id, replaces=row) for row in found])


def _answer(call: Call, rows: Sequence[Stored]) -> Answer:
    """No content; an outcome where several went, or where the client wants one."""
    tag = {"ETag": rows[0].etag} if len(rows) == 1 else {}
    wish = call.prefers("return")
    if wish == "operationoutcome" or (len(rows) > 1 and wish != "minimal"):
        text = f"{len(rows)} resources were deleted." if len(rows) != 1 else "The resource was deleted."
        return Answer(200, informational(text), tag, tuple(rows), interaction="delete")
    return Answer(204, b"", tag, tuple(rows), interaction="delete")
