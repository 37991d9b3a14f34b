"""
patch, by id or by condition: a change of part of a resource.

https://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

from hie.errors import Unsupported
from hie.fhir.call import Answer, Call
from hie.fhir.conditions import matches, version_asked
from hie.fhir.patching import patched
from hie.fhir.representation import written
from hie.fhir.writing import file_one, permit
from records import validation
from records.errors import Conflict, NotFound, PreconditionFailed
from records.stored import Stored, Visibility, Write

ATTEMPTS = 5


async def patch(call: Call) -> Answer:
    """`PATCH [base]/[type]/[id]`; with If-Match only where that is the current version."""
    resource_type, resource_id = call.path
    visibility = await call.visibility(resource_type, "patch")
    return await _patch(call, resource_type, resource_id, visibility)


async def conditional_patch(call: Call) -> Answer:
    """`PATCH [base]/[type]?...`: the one that matches; none is not found, several are refused."""
    (resource_type,) = call.path
    visibility = await call.visibility(resource_type, "patch")
    found = await matches(call, resource_type, call.query, visibility)
    if len(found) > 1:
        raise PreconditionFailed("Several resources match; the condition must select one.")
    if not found:
        raise NotFound("No resource matches the condition.")
    return await _patch(call, resource_type, found[0].id, visibility)


async def _patch(call: Call, resource_type: str, resource_id: str, visibility: Visibility) -> Answer:
    """Read, change, write where nobody came between; else again with what is there now."""
    asked = version_asked(call)
    for attempt in range(1, ATTEMPTS + 1):
        row = await call.services.store.read(resource_type, resource_id, visibility=visibility)
        if asked is not None and row.version != asked:
            raise PreconditionFailed("If-Match names a version that is not the current one.")
        try:
            stored = await file_one(call, _changed(call, row, visibility))
        except Conflict:
            if attempt == ATTEMPTS:
                raise
            continue
        return written(call, stored, 200, "patch")
    raise AssertionError("the last attempt returns or raises")


def _changed(call: Call, row: Stored, visibility: Visibility) -> Write:
    content_type = (call.header("content-type") or "").split(";")[0].strip().lower()
    if not content_type:
        raise Unsupported("A patch says in Content-Type what kind it is.")
    resource = patched(row.resource(), content_type, call.body)
    validation.check(resource)
    permit(resource, visibility)
    return Write("update", row.type, row.id, resource, if_version=row.version)
