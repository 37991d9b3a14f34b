"""
create, also conditional: If-None-Exist makes a resource only where none matches.

https://hl7.org/fhir/R4/http.html#create
"""

from __future__ import annotations

import uuid
from dataclasses import replace

from hie.fhir.call import Answer, Call, Params, parse_query
from hie.fhir.conditions import matches
from hie.fhir.representation import written
from hie.fhir.writing import file_one, permit, read_body
from records.errors import Conflict, PreconditionFailed
from records.stored import Stored, Visibility, Write


async def create(call: Call) -> Answer:
    """`POST [base]/[type]`: the server chooses the id."""
    (resource_type,) = call.path
    visibility = await call.visibility(resource_type, "create")
    resource = read_body(call, resource_type)
    permit(resource, visibility)
    condition = call.header("if-none-exist")
    write = Write("create", resource_type, str(uuid.uuid4()), resource, call.body)
    if condition is None:
        return written(call, await file_one(call, write), 201, "create")
    return await _unless_exists(call, write, condition, visibility)


async def _unless_exists(call: Call, write: Write, condition: str, visibility: Visibility) -> Answer:
    asked = parse_query(condition.partition("?")[2] or condition)
    if existing := await _the_one(call, write.type, asked, visibility):
        return written(call, existing, 200, "create")
    try:
        return written(call, await file_one(call, replace(write, unless_exists=asked)), 201, "create")
    except Conflict:
        # Another client made it between our search and our write; theirs is the answer.
        if existing := await _the_one(call, write.type, asked, visibility):
            return written(call, existing, 200, "create")
        raise


async def _the_one(
    call: Call, resource_type: str, asked: Params, visibility: Visibility
) -> Stored | None:
    found = await matches(call, resource_type, asked, visibility)
    if len(found) > 1:
        raise PreconditionFailed("Several resources match If-None-Exist.")
    return found[0] if found else None
