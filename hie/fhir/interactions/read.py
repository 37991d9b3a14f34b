"""
read and vread: one resource, now or at one version.

https://hl7.org/fhir/R4/http.html#read
"""

from __future__ import annotations

from hie.fhir.call import Answer, Call
from hie.fhir.conditions import unchanged
from hie.fhir.representation import headers_of
from hie.fhir.subset import shape
from records.errors import NotFound, UnknownParameter
from records.stored import Stored

MOST_DIGITS = 9
PARAMETERS = frozenset({"_format", "_pretty", "_summary", "_elements"})


async def read(call: Call) -> Answer:
    """`GET [base]/[type]/[id]`; 304 where the client has the current version."""
    resource_type, resource_id = call.path
    visibility = await call.visibility(resource_type, "read")
    row = await call.services.store.read(resource_type, resource_id, visibility=visibility, session=call.session)
    return _shown(call, row, "read")


async def vread(call: Call) -> Answer:
    """`GET [base]/[type]/[id]/_history/[vid]`."""
    resource_type, resource_id, _, version = call.path
    if not version.isascii() or not version.isdigit() or len(version) > MOST_DIGITS:
        raise NotFound(f"Versions are numbers: {resource_type} has no such version.")
    visibility = await call.visibility(resource_type, "read")
    row = await call.services.store.vread(
        resource_type, resource_id, int(version), visibility=visibility, session=call.session
    )
    return _shown(call, row, "vread")


def _shown(call: Call, row: Stored, interaction: str) -> Answer:
    if foreign := [name for name, _ in call.query if name not in PARAMETERS]:
        raise UnknownParameter(f"A read takes {', '.join(sorted(PARAMETERS))}, not {foreign[0][:64]!r}.")
    if unchanged(call, row):
        return Answer(304, b"", headers_of(row), (row,), interaction=interaction)
    return Answer(200, shape(row.text, call.query), headers_of(row), (row,), interaction=interaction)
