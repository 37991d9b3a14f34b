"""
What a mode adds to the content: would a create, an update or a delete be taken from this caller?

https://hl7.org/fhir/R4/valueset-resource-validation-mode.html
"""

from __future__ import annotations

from collections.abc import Sequence

from hie.errors import Refused
from hie.fhir.call import Call
from hie.fhir.search_parameters.rights import allow_type
from hie.fhir.writing import permit, standing
from records.errors import Issue, NotFound
from records.stored import Json, Stored


async def as_written(call: Call, mode: str, resource: Json, named: str) -> Sequence[Issue]:
    """Why a create or an update would not be taken; `named` is the id of the address."""
    kind = call.path[0]
    try:
        visibility = await call.visibility(kind, mode)
        allow_type(call.caller, kind)
        permit(resource, visibility)
    except Refused as refused:
        return [Issue(kind, f"A {mode} would be refused: {refused.text}", "forbidden")]
    if mode == "create":
        return ()
    return [*_id(kind, resource, named), *await _standing(call, resource, named)]


def _id(kind: str, resource: Json, named: str) -> list[Issue]:
    if "id" not in resource:
        return [Issue(f"{kind}.id", "An update needs the id in the resource.", "required")]
    if named and resource["id"] != named:
        return [Issue(f"{kind}.id", "The id of the resource is not that of the address.", "value")]
    return []


async def _standing(call: Call, resource: Json, named: str) -> list[Issue]:
    """What the update would replace: nobody overwrites what he may not see."""
    kind, identity = call.path[0], named or resource.get("id")
    if not isinstance(identity, str):
        return []
    try:
        found = await standing(call, kind, identity, await call.visibility(kind, "update"))
    except NotFound as refused:
        return [Issue(kind, f"An update would be refused: {refused.text}", "not-found")]
    text = "It would replace the current version." if found else "There is none of this id: it would be created."
    return [Issue(kind, text, "informational", "information")]


async def as_deleted(call: Call, kind: str, identity: str) -> Stored:
    """What a delete would take away; raises what the delete itself would."""
    visibility = await call.visibility(kind, "delete")
    return await call.services.store.read(kind, identity, visibility=visibility, session=call.session)
