"""
delete, by id or by condition: the resource is seen no more, its history stays.

https://hl7.org/fhir/R4/http.html#delete
"""

from __future__ import annotations

from hie.fhir.call import Answer, Call
from hie.fhir.conditions import matches, version_asked
from hie.fhir.writing import file_one
from records.errors import Gone, NotFound, PreconditionFailed
from records.stored import Write


async def delete(call: Call) -> Answer:
    """`DELETE [base]/[type]/[id]`; deleting what is gone already succeeds."""
    resource_type, resource_id = call.path
    visibility = await call.visibility(resource_type, "delete")
    try:
        await call.services.store.read(resource_type, resource_id, visibility=visibility)
    except (NotFound, Gone):
        return Answer(204, interaction="delete", resource_type=resource_type, resource_id=resource_id)
    row = await file_one(call, Write("delete", resource_type, resource_id, if_version=version_asked(call)))
    return Answer(204, b"", {"ETag": row.etag}, (row,), interaction="delete")


async def conditional_delete(call: Call) -> Answer:
    """`DELETE [base]/[type]?...`: none is fine, one is deleted, several are refused."""
    (resource_type,) = call.path
    visibility = await call.visibility(resource_type, "delete")
    found = await matches(call, resource_type, call.query, visibility)
    if len(found) > 1:
        raise PreconditionFailed("Several resources match; the condition must select one.")
    if not found:
        return Answer(204, interaction="delete", resource_type=resource_type)
    row = await file_one(call, Write("delete", resource_type, found[0].id, if_version=found[0].version))
    return Answer(204, b"", {"ETag": row.etag}, (row,), interaction="delete")
