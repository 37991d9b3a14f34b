"""
update, also as create and by condition; If-Match guards against a lost update.

https://hl7.org/fhir/R4/http.html#update
"""

from __future__ import annotations

import uuid

from hie.fhir.call import Answer, Call, Params
from hie.fhir.conditions import condition, expected, in_one, in_turn, refuse_existing, reserve, the_one
from hie.fhir.representation import written
from hie.fhir.unasked import form_alone
from hie.fhir.writing import file_one, permit, read_body, standing, write_one
from records.errors import Conflict, Invalid
from records.stored import Json, Stored, Visibility, Write


async def update(call: Call) -> Answer:
    """`PUT [base]/[type]/[id]`: 200, or 201 where it did not exist."""
    resource_type, resource_id = call.path
    visibility = await call.visibility(resource_type, "update")
    form_alone(call)
    resource = read_body(call, resource_type)
    if resource.get("id") != resource_id:
        raise Invalid("The id in the body must be the id in the address.", status=400)
    permit(resource, visibility)

    def decide(current: Stored | None) -> Write:
        refuse_existing(call.header("if-none-match"), current)
        return _write(call, resource, resource_id, expected(call.header("if-match"), current), current)

    row = await write_one(call, resource_type, resource_id, visibility, decide)
    assert row is not None
    return _written(call, row)


def _write(call: Call, resource: Json, resource_id: str, asked: int | None, current: Stored | None) -> Write:
    kind = resource["resourceType"]
    return Write("update", kind, resource_id, resource, call.body, if_version=asked, replaces=current)


def _written(call: Call, row: Stored) -> Answer:
    return written(call, row, 201 if row.created else 200, "update")


async def conditional_update(call: Call) -> Answer:
    """`PUT [base]/[type]?...`: creates where none matches, updates the one, refuses several."""
    (resource_type,) = call.path
    visibility = await call.visibility(resource_type, "update")
    resource = read_body(call, resource_type)
    permit(resource, visibility)
    asked = condition(call.query)
    async with in_turn(call, resource_type, asked, resource):
        return await in_one(call, lambda inner: _by_condition(inner, resource, asked, visibility))


async def _by_condition(call: Call, resource: Json, asked: Params, visibility: Visibility) -> Answer:
    resource_type, given = resource["resourceType"], resource.get("id")
    await reserve(call, resource_type, asked, resource)
    found = await the_one(call, resource_type, asked, visibility)
    refuse_existing(call.header("if-none-match"), found)
    version = expected(call.header("if-match"), found)
    if found is not None:
        if given not in (None, found.id):
            raise Invalid("The id in the body is not the id of the resource that matches.", status=400)
        return _written(call, await file_one(call, _write(call, resource, found.id, version, found)))
    if given is None:
        write = Write("create", resource_type, str(uuid.uuid4()), resource, call.body)
        return written(call, await file_one(call, write), 201, "update")
    if await standing(call, resource_type, str(given), visibility) is not None:
        raise Conflict("A resource has the id of the body, and does not meet the condition.")
    return _written(call, await file_one(call, _write(call, resource, str(given), None, None)))
