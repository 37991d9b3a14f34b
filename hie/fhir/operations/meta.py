"""
$meta, $meta-add, $meta-delete: profiles, tags and security labels, read and changed without the rest.

A change is a new version: who put a label on a record or took it off is seen in the history and in the trail.
https://hl7.org/fhir/R4/resource-operation-meta.html, https://hl7.org/fhir/R4/resource-operation-meta-add.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hie.errors import Refused
from hie.fhir.call import Answer, Call
from hie.fhir.operations.labels import add, labels_of, remove, summed
from hie.fhir.operations.parameters import body, parameters, taken
from hie.fhir.operations.sights import Sights
from hie.fhir.representation import headers_of
from hie.fhir.writing import file_one, permit
from records import validation
from records.documents import visible
from records.errors import Conflict, Invalid, NotFound, PreconditionFailed
from records.search.labels import in_use
from records.stored import Json, Stored, Visibility, Write, encode

ATTEMPTS = 5
Change = Callable[[Json, Json], Json]


async def meta(call: Call) -> Answer:
    """`GET [base]/$meta`, `[type]/$meta`, `[type]/[id]/$meta`, `[type]/[id]/_history/[version]/$meta`."""
    taken("meta", parameters(call), ())
    match call.path:
        case (kind, identity, "_history", version, _):
            row = await _version(call, kind, identity, version)
        case (kind, identity, _):
            visibility = await call.visibility(kind, "read")
            row = await call.services.store.read(kind, identity, visibility=visibility, session=call.session)
        case (kind, _):
            await call.visibility(kind, "search")
            return _answer(await _in_use(call, [kind]))
        case _:
            return _answer(await _in_use(call, await call.services.store.types()))
    return _answer(row.resource().get("meta", {}), row)


async def meta_add(call: Call) -> Answer:
    """`POST [base]/[type]/[id]/$meta-add` with Parameters: `meta`, what is to be there."""
    return await _change(call, "meta-add", add)


async def meta_delete(call: Call) -> Answer:
    """`POST [base]/[type]/[id]/$meta-delete` with Parameters: `meta`, what is to go where it is there."""
    return await _change(call, "meta-delete", remove)


async def _version(call: Call, kind: str, identity: str, version: str) -> Stored:
    if not version.isdigit():
        raise NotFound(f"Versions are numbers: {kind} has no such version.")
    visibility = await call.visibility(kind, "read")
    return await call.services.store.vread(
        kind, identity, int(version), visibility=visibility, session=call.session
    )


async def _in_use(call: Call, kinds: list[str]) -> Json:
    """What the resources that the caller may see are labelled with."""
    sights, found = Sights(call, "search"), list[Json]()
    for kind in kinds:
        visibility = await sights(kind)
        sight = None if visibility is None else visible(kind, visibility)
        if sight is not None:
            found += await in_use(call.services.store.collections, kind, sight)
    return summed(found)


def _answer(value: Json, *rows: Stored) -> Answer:
    # FHIR knows no empty element: nothing in use is no parameter.
    shown = {"parameter": [{"name": "return", "valueMeta": value}]} if value else {}
    headers = headers_of(rows[0]) if rows else {}
    return Answer(200, encode({"resourceType": "Parameters"} | shown), headers, rows, interaction="operation")


# Changes


async def _change(call: Call, name: str, change: Change) -> Answer:
    kind, identity, _ = call.path
    visibility = await call.visibility(kind, "update")
    given = _given(call, name)
    for attempt in range(1, ATTEMPTS + 1):
        row = await call.services.store.read(kind, identity, visibility=visibility, session=call.session)
        if (asked := call.header("if-match")) not in (None, "*", row.etag):
            raise PreconditionFailed(f"If-Match names {str(asked)[:32]}, which is not the current version.")
        try:
            return _changed_answer(await _write(call, row, given, change, visibility))
        except Conflict:
            if attempt == ATTEMPTS or call.session is not None:
                raise
    raise AssertionError("the last attempt returns or raises")


def _given(call: Call, name: str) -> Json:
    found: list[Any] = [one.get("valueMeta") for one in body(call).get("parameter", ()) if one.get("name") == "meta"]
    others = [str(one.get("name")) for one in body(call).get("parameter", ()) if one.get("name") != "meta"]
    if len(found) != 1 or found[0] is None or others:
        raise Invalid(f"${name} takes one parameter `meta` with a valueMeta, and no other.", status=400)
    if unknown := sorted(found[0].keys() - {"profile", "tag", "security"}):
        raise Invalid(f"${name} changes profile, tag and security; not {unknown[0][:64]}.", status=400)
    return dict(found[0])


async def _write(call: Call, row: Stored, given: Json, change: Change, visibility: Visibility) -> Stored:
    """The next version with the changed meta, all else as it was written; none where nothing changes."""
    resource = row.resource()
    before = resource.get("meta", {})
    after = change(before, given)
    if after == before:
        return row
    _guard(before, after, visibility)
    changed = resource | {"meta": after}
    validation.check(changed)
    permit(changed, visibility)
    # Where the resource came from stays: only the labels are of the caller.
    write = Write("update", row.type, row.id, changed, row.text, if_version=row.version, source=before.get("source"))
    return await file_one(call, write)


def _guard(before: Json, after: Json, visibility: Visibility) -> None:
    """
    A security label is taken off only by whom no label keeps out.

    Else somebody who happens to see one kind of secret could open it to everybody.
    """
    if visibility.hidden_labels and labels_of(before) - labels_of(after):
        raise Refused("Security labels are taken off by a steward or a system that sees all of them.")


def _changed_answer(row: Stored) -> Answer:
    return _answer(row.resource()["meta"], row)
