"""
Observation/$lastn: the newest results of each kind, for one subject; texts are read of the chosen ones alone.

https://hl7.org/fhir/R4/observation-operation-lastn.html
"""

from __future__ import annotations

from dataclasses import replace

from hie.fhir.bundles import join, link, searchset_entry
from hie.fhir.call import Answer, Call, Params
from hie.fhir.operations.parameters import parameters, positive
from hie.fhir.persons import PERSON, expand
from hie.fhir.subset import shape
from records.errors import Invalid, UnknownParameter
from records.search import lastn as choosing
from records.search.lastn import OBSERVATION, Found
from records.stored import Stored

SUBJECTS = ("patient", "subject")
SHAPE = ("_elements", "_summary")
# The operation orders, limits and counts by itself.
NOT_TAKEN = frozenset({"_sort", "_count", "_total", "_include", "_revinclude", "_cursor", "_type"})


async def lastn(call: Call) -> Answer:
    """`GET [base]/Observation/$lastn?patient=...&max=3`, or `POST` with Parameters."""
    visibility = await call.visibility(OBSERVATION, "search")
    params = parameters(call)
    most, filters = _read(params)
    asked = await expand(call, OBSERVATION, filters)
    store = call.services.store
    condition = await store.condition(OBSERVATION, tuple(asked), visibility=visibility)
    if condition is None:
        return _answer(call, params, [])
    found = await choosing.read(store.collections, condition)
    humans = await _humans(call, filters)
    chosen = choosing.last([replace(one, subject=humans.get(one.subject, one.subject)) for one in found], most)
    return _answer(call, params, await choosing.fetch(store.collections, chosen, condition))


def _read(params: Params) -> tuple[int, Params]:
    limits = [value for name, value in params if name == "max"]
    if len(limits) > 1:
        raise UnknownParameter("$lastn takes max once.")
    filters = tuple(pair for pair in params if pair[0] not in ("max", *SHAPE))
    for name, _ in filters:
        if name.partition(":")[0] in NOT_TAKEN:
            raise UnknownParameter(f"$lastn takes max and what Observations are searched by; not {name[:64]!r}.")
    if not any(name.partition(":")[0].partition(".")[0] in SUBJECTS for name, _ in filters):
        raise Invalid("$lastn needs a subject: patient=... or subject=...", status=400)
    if ("_summary", "count") in params:
        raise UnknownParameter("$lastn is not counted.")
    return positive("lastn", "max", limits[0]) if limits else 1, filters


async def _humans(call: Call, filters: Params) -> dict[str, str]:
    """By reference of a source Patient, the Person whose record was asked for: one human is one group."""
    values = (one for name, value in filters if name.partition(":")[0] in SUBJECTS for one in value.split(","))
    humans: dict[str, str] = {}
    for person in (one for one in values if one.startswith(PERSON)):
        humans |= {f"Patient/{one}": person for one in await call.services.registry.expand(person)}
    return humans


def _answer(call: Call, params: Params, rows: list[Stored]) -> Answer:
    links = [("self", link(call.base, "/".join(call.path), params))]
    entries = (searchset_entry(call.base, row, shape(row.text, params), "match") for row in rows)
    body = join("searchset", links, len(rows), entries, call.services.clock())
    return Answer(200, body, {}, tuple(rows), interaction="search")


__all__ = ["Found", "lastn"]
