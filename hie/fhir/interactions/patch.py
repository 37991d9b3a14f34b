"""
patch, by id or by condition: a change of part of a resource.

https://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

from hie.errors import Unsupported
from hie.fhir.call import Answer, Call
from hie.fhir.conditions import expected, in_one, the_one
from hie.fhir.patching import patched
from hie.fhir.representation import written
from hie.fhir.unasked import form_alone
from hie.fhir.writing import file_one, permit
from records import validation
from records.errors import NotFound
from records.stored import Stored, Visibility, Write


async def patch(call: Call) -> Answer:
    """`PATCH [base]/[type]/[id]`; with If-Match only where that is the current version."""
    resource_type, resource_id = call.path
    visibility = await call.visibility(resource_type, "patch")
    form_alone(call)
    return await in_one(call, lambda inner: _by_id(inner, resource_type, resource_id, visibility))


async def conditional_patch(call: Call) -> Answer:
    """`PATCH [base]/[type]?...`: the one that matches; none is not found, several are refused."""
    (resource_type,) = call.path
    visibility = await call.visibility(resource_type, "patch")
    return await in_one(call, lambda inner: _by_condition(inner, resource_type, visibility))


async def _by_condition(call: Call, resource_type: str, visibility: Visibility) -> Answer:
    found = await the_one(call, resource_type, call.query, visibility)
    if found is None:
        raise NotFound("No resource matches the condition.")
    return await _patch(call, found, visibility)


async def _by_id(call: Call, resource_type: str, resource_id: str, visibility: Visibility) -> Answer:
    row = await call.services.store.read(resource_type, resource_id, visibility=visibility, session=call.session)
    return await _patch(call, row, visibility)


async def _patch(call: Call, row: Stored, visibility: Visibility) -> Answer:
    """Change what is there now: whoever comes between makes the transaction begin again."""
    expected(call.header("if-match"), row)
    return written(call, await file_one(call, changed(call, row, visibility)), 200, "patch")


def changed(call: Call, row: Stored, visibility: Visibility) -> Write:
    """The write that a patch comes to."""
    content_type = (call.header("content-type") or "").split(";")[0].strip().lower()
    if not content_type:
        raise Unsupported("A patch says in Content-Type what kind it is.")
    resource = patched(row.resource(), content_type, call.body)
    validation.check(resource)
    permit(resource, visibility)
    return Write("update", row.type, row.id, resource, replaces=row)
