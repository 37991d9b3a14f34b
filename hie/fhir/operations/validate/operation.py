"""
`POST [base]/[type]/$validate`, `GET` and `POST [base]/[type]/[id]/$validate`.

https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

from collections.abc import Sequence

from hie.fhir.call import Answer, Call
from hie.fhir.formats import JSON, JSON_TYPES, sent
from hie.fhir.operations.validate.asked import Asked, asked
from hie.fhir.operations.validate.findings import findings
from hie.fhir.operations.validate.modes import as_deleted, as_written
from hie.fhir.operations.validate.outcomes import outcome
from records.errors import Invalid, Issue, TooCostly
from records.stored import Json, Stored


async def validate(call: Call) -> Answer:
    """Every finding about the resource that was sent, or about the one at this address."""
    resource_type, named = call.path[0], call.path[1] if len(call.path) > 2 else ""
    await call.visibility(resource_type, "validate")
    wish = asked(call)
    if wish.mode == "delete":
        return await _delete(call, resource_type, named)
    if wish.resource is None:
        return await _stored(call, wish, resource_type, named)
    if wish.resource.get("resourceType") != resource_type:
        raise Invalid(f"The resource to validate must be a {resource_type}.", status=400)
    _refuse_large(call, wish.resource)
    issues = await _issues(call, wish, wish.resource, named)
    source = call.body if sent(call.header("content-type") or JSON) in JSON_TYPES else b""
    return _answer(outcome(issues, source, wish.at))


def _refuse_large(call: Call, resource: Json) -> None:
    most, entries = call.services.settings.fhir_max_entries, resource.get("entry")
    if isinstance(entries, list) and len(entries) > most:
        raise TooCostly(f"A bundle of at most {most} entries is validated at once.")


async def _issues(call: Call, wish: Asked, resource: Json, named: str) -> Sequence[Issue]:
    mode = wish.mode or ("update" if named else "")
    found = await findings(call.services.store, resource, wish.profiles)
    if mode in ("create", "update") and not any(one.severity == "error" for one in found):
        found = [*found, *await as_written(call, mode, resource, named)]
    return found


async def _stored(call: Call, wish: Asked, resource_type: str, named: str) -> Answer:
    if not named:
        raise Invalid("There is no resource to validate: send one, alone or in Parameters.", status=400)
    if wish.mode in ("create", "update"):
        raise Invalid(f"The mode {wish.mode} needs the resource that would be written.", status=400)
    visibility = await call.visibility(resource_type, "read")
    row = await call.services.store.read(resource_type, named, visibility=visibility, session=call.session)
    return _answer(outcome(await findings(call.services.store, row.resource(), wish.profiles), row.text), row)


async def _delete(call: Call, resource_type: str, named: str) -> Answer:
    if not named:
        raise Invalid("The mode delete needs the address of a resource: [type]/[id]/$validate.", status=400)
    row = await as_deleted(call, resource_type, named)
    return _answer(outcome([Issue("", "It exists and may be deleted.", "informational", "information")]), row)


def _answer(body: bytes, *rows: Stored) -> Answer:
    return Answer(200, body, rows=rows, interaction="operation")
