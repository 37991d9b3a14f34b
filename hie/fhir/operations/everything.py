"""
Patient/$everything, and the same for a Person: all source patients of one human; streamed, each resource once.

https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from hie.fhir.bundles import opening, searchset_entry
from hie.fhir.call import Answer, Call
from records.errors import NotFound
from records.stored import Stored, Visibility


async def everything(call: Call) -> Answer:
    """`GET [base]/Patient/[id]/$everything` or `Person/[id]/$everything`."""
    resource_type, resource_id = call.path[:2]
    visibility = await call.visibility(resource_type, "everything")
    subject = await call.services.store.read(resource_type, resource_id, visibility=visibility)
    patients = await _patients(call, subject, visibility)
    if not patients:
        raise NotFound("No record is open under this id.")
    shown = replace(subject, patients=patients)
    return Answer(200, b"", {}, (shown,), _stream(call, patients, visibility), interaction="everything")


async def _patients(call: Call, subject: Stored, visibility: Visibility) -> tuple[str, ...]:
    if subject.type == "Patient":
        return (subject.id,)
    linked = await call.services.registry.expand(subject.id)
    return tuple(one for one in linked if visibility.patients is None or one in visibility.patients)


async def _stream(call: Call, patients: Sequence[str], visibility: Visibility) -> AsyncIterator[bytes]:
    # The Person is in the compartment of each of its Patients, so it comes by itself.
    yield opening("searchset", [("self", f"{call.base}/{'/'.join(call.path)}")], None, call.services.clock())
    joint = b',"entry":['
    async for row in call.services.store.everything(patients, visibility=visibility):
        yield joint + searchset_entry(call.base, row, row.text, "match")
        joint = b","
    yield b"}" if joint != b"," else b"]}"
