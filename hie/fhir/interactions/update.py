"""
update, also as create and by condition; If-Match guards against a lost update.

https://hl7.org/fhir/R4/http.html#update
"""

from __future__ import annotations

import uuid

from hie.fhir.call import Answer, Call
from hie.fhir.conditions import condition, matches, version_asked
from hie.fhir.representation import written
from hie.fhir.writing import file_one, permit, read_body, standing
from records.errors import Conflict, Invalid, PreconditionFailed
from records.stored import Json, Stored, Write

NOT_CURRENT = "The version that the write is based on is not the current one."


async def update(call: Call) -> Answer:
    """`PUT [base]/[type]/[id]`: 200, or 201 where it did not exist."""
    resource_type, resource_id = call.path
    visibility = await call.visibility(resource_type, "update")
    resource = read_body(call, resource_type)
    if resource.get("id") != resource_id:
        raise Invalid("The id in the body must be the id in the address.", status=400)
    permit(resource, visibility)
    current = await standing(call, resource_type, resource_id, visibility)
    return await _put(call, resource, resource_id, current, version_asked(call))


async def _put(call: Call, resource: Json, resource_id: str, current: Stored | None, asked: int | None) -> Answer:
    if asked is not None and (current is None or current.version != asked):
        raise PreconditionFailed(NOT_CURRENT)
    write = Write("update", resource["resourceType"], resource_id, resource, call.body, if_version=asked)
    try:
        row = await file_one(call, write)
    except Conflict as error:
        if asked is None:
            raise
        raise PreconditionFailed(NOT_CURRENT) from error
    return written(call, row, 200 if current else 201, "update")


async def conditional_update(call: Call) -> Answer:
    """`PUT [base]/[type]?...`: creates where none matches, updates the one, refuses several."""
    (resource_type,) = call.path
    visibility = await call.visibility(resource_type, "update")
    resource = read_body(call, resource_type)
    permit(resource, visibility)
    found = await matches(call, resource_type, call.query, visibility)
    if len(found) > 1:
        raise PreconditionFailed("Several resources match; the condition must select one.")
    if found:
        if resource.get("id") not in (None, found[0].id):
            raise Invalid("The id in the body is not the id of the resource that matches.", status=400)
        return await _put(call, resource, found[0].id, found[0], found[0].version)
    write = Write(
        "create", resource_type, str(resource.get("id") or uuid.uuid4()), resource, call.body,
        unless_exists=condition(call.query),
    )  # fmt: skip
    return written(call, await file_one(call, write), 201, "update")
