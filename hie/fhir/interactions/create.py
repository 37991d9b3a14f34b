"""
create, also conditional: If-None-Exist makes a resource only where none matches.

https://hl7.org/fhir/R4/http.html#create
"""

from __future__ import annotations

import uuid

from hie.fhir.call import Answer, Call, Params
from hie.fhir.conditions import if_none_exist, in_one, in_turn, reserve, the_one
from hie.fhir.representation import written
from hie.fhir.unasked import form_alone
from hie.fhir.writing import file_one, permit, read_body, write_one
from records.stored import Visibility, Write


async def create(call: Call) -> Answer:
    """`POST [base]/[type]`: the server chooses the id."""
    (resource_type,) = call.path
    visibility = await call.visibility(resource_type, "create")
    form_alone(call, "The condition of a create stands in the header If-None-Exist.")
    resource = read_body(call, resource_type)
    permit(resource, visibility)
    write = Write("create", resource_type, str(uuid.uuid4()), resource, call.body)
    if (header := call.header("if-none-exist")) is None:
        row = await write_one(call, resource_type, "", visibility, lambda _: write)
        assert row is not None
        return written(call, row, 201, "create")
    asked = if_none_exist(header)
    async with in_turn(call, resource_type, asked, resource):
        if existing := await the_one(call, resource_type, asked, visibility):
            return written(call, existing, 200, "create")
        return await in_one(call, lambda inner: _unless_exists(inner, write, asked, visibility))


async def _unless_exists(call: Call, write: Write, asked: Params, visibility: Visibility) -> Answer:
    """Look once more, where nobody who asks the same can come between."""
    await reserve(call, write.type, asked, write.resource or {})
    if existing := await the_one(call, write.type, asked, visibility):
        return written(call, existing, 200, "create")
    return written(call, await file_one(call, write), 201, "create")
