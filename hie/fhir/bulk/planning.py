"""
From what was asked to the plan of an export: types, moment, patients, filters; decided before anything is read.

https://hl7.org/fhir/uv/bulkdata/export.html
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from hie.access.policy import Denied
from hie.fhir.bulk.asked import Asked
from hie.fhir.bulk.job import Export, Part, Selection
from hie.fhir.bulk.members import members, sources
from hie.fhir.call import Call
from hie.fhir.persons import expand
from records.definitions import definitions
from records.errors import UnknownParameter
from records.search.filters import Compiler
from records.search.request import read as read_search
from records.search.run import Searcher

# The trail of who looked is not the record: it is written out where its type is named, as $everything has it.
LEFT_OUT = frozenset({"AuditEvent"})


async def plan(call: Call, asked: Asked, at: datetime, remarks: list[str]) -> Export:
    """The export that a request means; Denied where the caller may have none of it."""
    compartment = call.path[0] != "$export"
    types = await _types(call, asked, remarks, compartment=compartment)
    patients = await _patients(call, asked, remarks)
    selections = [await _selection(call, kind, params) for kind, params in asked.filters]
    deleted = [Part(one, deleted=True) for one in types] if asked.since else []
    return Export(
        (*map(Part, types), *deleted),
        min(at, asked.until or at),
        asked.since,
        compartment,
        patients,
        tuple(selections),
        tuple(asked.elements),
    )


async def _types(call: Call, asked: Asked, remarks: list[str], *, compartment: bool) -> list[str]:
    """The types to write out, the Patients first; a type that was named must be open to the caller."""
    inside = frozenset(definitions().compartment("Patient")) | {"Patient"}
    if compartment and (outside := [one for one in asked.types if one not in inside]):
        text = f"{outside[0]} is in no patient's record; ask for it at [base]/$export."
        if not call.lenient:
            raise UnknownParameter(text)
        remarks.append(text)
    wanted: Iterable[str] = asked.types or set(await call.services.store.types()) - LEFT_OUT
    offered = definitions().resource_types
    kinds = [one for one in wanted if one in offered and (not compartment or one in inside)]
    found, refusal = list[str](), None
    for kind in sorted(kinds, key=lambda one: (one != "Patient", one)):
        try:
            await call.visibility(kind, "export")
            found.append(kind)
        except Denied as denied:
            if asked.types:
                raise
            refusal = denied
    if not found and refusal is not None:
        raise refusal
    if not found:
        # Nothing was stored yet, or all that was named was passed over: who may export nothing is told so here.
        await call.visibility("Patient", "export")
    return found


async def _patients(call: Call, asked: Asked, remarks: list[str]) -> tuple[str, ...] | None:
    """Who is singled out: the members of the group, of them those that were named."""
    group = await members(call, call.path[1]) if call.path[0] == "Group" else None
    if not asked.patients:
        return None if group is None else tuple(sorted(group))
    visibility = await call.visibility("Patient", "export")
    found: set[str] = set()
    for reference in asked.patients:
        own = await sources(call, reference)
        seen = await call.services.store.read_many([f"Patient/{one}" for one in own], visibility=visibility)
        known = {row.id for row in seen.values() if group is None or row.id in group}
        if not known:
            remarks.append(f"{reference} is not among the patients of this export.")
        found |= known
    return tuple(sorted(found))


async def _selection(call: Call, kind: str, params: tuple[tuple[str, str], ...]) -> Selection:
    """A filter as the store is to be asked; it is tried once, so that one that cannot be answered is refused now."""
    asked = tuple(await expand(call, kind, params))
    visibility = await call.visibility(kind, "export")
    searcher = Searcher(
        call.services.store.collections, visibility, None, call.base, call.services.bulk.dictionary
    )
    request = read_search(kind, asked)
    await Compiler(searcher, searcher.base, searcher.dictionary).all(kind, request.filters)
    return Selection(kind, asked)


