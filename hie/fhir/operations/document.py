"""
Composition/$document: the Composition and what it speaks of, as one Bundle that can be kept and signed.

What the Composition itself refers to is there, or there is no document: a reader must not take a hole for an absence.
https://hl7.org/fhir/R4/composition-operation-document.html, https://hl7.org/fhir/R4/documents.html
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from hie.fhir.call import Answer, Call
from hie.fhir.operations.gathering import Gathered, gather
from hie.fhir.operations.labels import summed
from hie.fhir.operations.parameters import parameters, taken, truth
from hie.fhir.operations.sights import Sights
from hie.fhir.representation import headers_of, location
from hie.fhir.writing import file_one
from records import validation
from records.documents import instant
from records.errors import Invalid, UnknownParameter
from records.stored import Json, Stored, Write, decode, encode

OPERATION = "document"
COMPOSITION = "Composition"
URN = "urn:ietf:rfc:3986"
# Something that the caller may not see was referred to on the way and is not inside.
REDACTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "REDACTED"}


async def document(call: Call) -> Answer:
    """`GET` or `POST [base]/Composition/[id]/$document`, `Composition/$document?id=[id]`; `persist=true` keeps it."""
    given = taken(OPERATION, parameters(call), ("id", "persist", "graph"))
    if "graph" in given:
        raise UnknownParameter("$document follows the references of the Composition; no GraphDefinition is followed.")
    persist = truth(OPERATION, "persist", given["persist"]) if "persist" in given else False
    identity = _identity(call, given)
    visibility = await call.visibility(COMPOSITION, "read")
    composition = await call.services.store.read(COMPOSITION, identity, visibility=visibility)
    found = await gather(Sights(call, "read"), composition, call.base)
    body = _bundle(call, found)
    if not persist:
        return Answer(200, body, {}, found.rows, interaction="operation", resource_id=identity)
    row = await _keep(call, body)
    headers = headers_of(row) | {"Location": location(call, row)}
    return Answer(200, row.text, headers, (*found.rows, row), interaction="operation", resource_id=identity)


def _identity(call: Call, given: Mapping[str, str]) -> str:
    if len(call.path) == 3:
        if "id" in given:
            raise Invalid("The address names the Composition; id is not given as well.", status=400)
        return call.path[1]
    if "id" not in given:
        raise Invalid("$document needs the id of a Composition.", status=400)
    own = given["id"].removeprefix(call.base + "/").removeprefix(f"{COMPOSITION}/")
    if "/" in own:
        raise UnknownParameter("A Composition of another server is not fetched.")
    return own


def _bundle(call: Call, found: Gathered) -> bytes:
    """Joined from stored texts, in the order in which the Composition leads to them."""
    now, identity = instant(call.services.clock()), str(uuid.uuid4())
    head: Json = {
        "resourceType": "Bundle",
        "id": identity,
        "meta": {"lastUpdated": now} | _labels(found),
        "identifier": {"system": URN, "value": f"urn:uuid:{identity}"},
        "type": "document",
        "timestamp": now,
    }
    entries = b",".join(_entry(call.base, row) for row in found.rows)
    return encode(head)[:-1] + b',"entry":[' + entries + b"]}"


def _labels(found: Gathered) -> Json:
    """The bundle is as secret as the most secret thing in it, and says where something was left out."""
    metas = [{"security": one["security"]} for one in found.metas if "security" in one]
    return summed([*metas, {"security": [REDACTED]}] if found.redacted else metas)


def _entry(base: str, row: Stored) -> bytes:
    return b'{"fullUrl":"' + f"{base}/{row.reference}".encode() + b'","resource":' + row.text + b"}"


async def _keep(call: Call, body: bytes) -> Stored:
    await call.visibility("Bundle", "create")
    bundle = decode(body)
    validation.check(bundle)
    return await file_one(call, Write("create", "Bundle", bundle["id"], bundle, body))
