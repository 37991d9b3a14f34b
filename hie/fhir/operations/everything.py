"""
$everything: of a Patient, of all patients, of a Person (all source patients of one human), of an Encounter.

Streamed, or page by page where `_count` is given; each resource once, and none is left out for their number.
https://hl7.org/fhir/R4/patient-operation-everything.html, https://hl7.org/fhir/R4/encounter-operation-everything.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from hie.fhir.bundles import join, link, opening, searchset_entry
from hie.fhir.call import Answer, Call, Params
from hie.fhir.operations.parameters import parameters, positive, taken
from hie.fhir.operations.sights import Sights
from records.definitions import definitions
from records.errors import NotFound, UnknownParameter
from records.search import date
from records.search.compartments import Scope, compartment_of_encounter, compartment_of_patients
from records.search.everything import Asked, Batch, Place, Walk
from records.stored import Stored, Visibility

CURSOR = "_cursor"
OF_ENCOUNTER = ("_since", "_type", "_count", CURSOR)
OF_PATIENT = ("start", "end", *OF_ENCOUNTER)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose everything: the compartment, and what the trail is told before anything leaves."""

    scope: Scope
    shown: tuple[Stored, ...] = ()


async def everything(call: Call) -> Answer:
    """`GET` or `POST [base]/Patient/[id]/$everything`; of a Person, of an Encounter, and `Patient/$everything`."""
    kind = call.path[0]
    params = parameters(call)
    names = OF_ENCOUNTER if kind == "Encounter" else OF_PATIENT
    given = taken("everything", params, names, ("_type",))
    asked = _asked(given)
    subject = await _subject(call, kind)
    store = call.services.store
    walk = Walk(store.collections, subject.scope, Sights(call, "everything"), asked, call.base)
    if "_count" not in given:
        return Answer(200, b"", {}, subject.shown, _stream(call, walk, subject, params), interaction="everything")
    return await _page(call, walk, given, params)


def _asked(given: Mapping[str, str]) -> Asked:
    types = frozenset(given["_type"].split(",")) if "_type" in given else None
    if types and (unknown := sorted(types - definitions().resource_types)):
        raise UnknownParameter(f"{unknown[0][:64]!r} is no resource type of this server.")
    since = _span("_since", given["_since"]).start if "_since" in given else ""
    return Asked(
        _span("start", given["start"]).start if "start" in given else "",
        _span("end", given["end"]).end if "end" in given else "",
        datetime.fromisoformat(since).replace(tzinfo=UTC) if since else None,
        types,
    )


def _span(name: str, value: str) -> date.Span:
    found = date.span(value)
    if found is None:
        raise UnknownParameter(f"$everything: {name} is a date, YYYY-MM-DD, or an instant with a zone.")
    return found


async def _subject(call: Call, kind: str) -> Subject:
    visibility = await call.visibility(kind, "everything")
    if len(call.path) == 2:
        return Subject(compartment_of_patients(None))
    found = await call.services.store.read(kind, call.path[1], visibility=visibility)
    if kind == "Encounter":
        return Subject(compartment_of_encounter(found.id, found.patients), (found,))
    patients = await _patients(call, found, visibility)
    if not patients:
        raise NotFound("No record is open under this id.")
    return Subject(compartment_of_patients(patients), (replace(found, patients=patients),))


async def _patients(call: Call, subject: Stored, visibility: Visibility) -> tuple[str, ...]:
    if subject.type == "Patient":
        return (subject.id,)
    linked = await call.services.registry.expand(subject.id)
    return tuple(one for one in linked if visibility.patients is None or one in visibility.patients)


async def _page(call: Call, walk: Walk, given: Mapping[str, str], params: Params) -> Answer:
    size = min(positive("everything", "_count", given["_count"]), call.services.settings.fhir_max_count)
    batches, place = await walk.page(Place.read(given[CURSOR]) if CURSOR in given else None, size)
    links = [_link(call, "self", params)]
    if place is not None:
        rest = tuple(pair for pair in params if pair[0] != CURSOR)
        links.append(_link(call, "next", (*rest, (CURSOR, str(place)))))
    rows = tuple(row for batch in batches for row in batch.rows)
    entries = (entry for batch in batches for entry in _entries(call, batch))
    body = join("searchset", links, None, entries, call.services.clock())
    return Answer(200, body, {}, rows, interaction="everything")


def _link(call: Call, relation: str, params: Params) -> tuple[str, str]:
    return relation, link(call.base, "/".join(call.path), params)


def _entries(call: Call, batch: Batch) -> Iterable[bytes]:
    mode = "include" if batch.outside else "match"
    return (searchset_entry(call.base, row, row.text, mode) for row in batch.rows)


async def _stream(call: Call, walk: Walk, subject: Subject, params: Params) -> AsyncIterator[bytes]:
    named = {patient for row in subject.shown for patient in row.patients}
    yield opening("searchset", [_link(call, "self", params)], None, call.services.clock())
    joint = b',"entry":['
    async for batch in walk.batches():
        await _name(call, batch, named)
        yield joint + b",".join(_entries(call, batch))
        joint = b","
    yield b"}" if joint != b"," else b"]}"


async def _name(call: Call, batch: Batch, named: set[str]) -> None:
    """Whose record a batch shows beyond those the trail knows is written down before the batch leaves."""
    # The trail asks the router what a request is, and the router knows this operation.
    from hie.fhir.auditing import audit

    fresh = {patient for row in batch.rows for patient in row.patients} - named
    if fresh:
        shown = replace(batch.rows[0], patients=tuple(sorted(fresh)))
        named |= fresh
        await audit(call, Answer(200, rows=(shown,), interaction="everything", resource_type=call.path[0]))
