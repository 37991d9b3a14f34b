"""
search of a type, and of a type in a compartment, by GET or POST.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hie.fhir.bundles import join, link, searchset_entry
from hie.fhir.call import Answer, Call, Params, parse_form
from hie.fhir.distances import with_distance
from hie.fhir.explaining import explained, is_asked
from hie.fhir.persons import expand
from hie.fhir.subset import shape
from records.errors import UnknownParameter
from records.stored import Page, Visibility

# Parameters of the answer's form, not of the search.
FORM = frozenset({"_format", "_pretty", "_cursor"})


async def search(call: Call) -> Answer:
    """`GET [base]/[type]?...`."""
    visibility = await call.visibility(call.path[0], "search")
    return await _run(call, call.path[0], call.query, visibility)


async def search_by_post(call: Call) -> Answer:
    """`POST [base]/[type]/_search`: the parameters travel in the body, out of every log."""
    visibility = await call.visibility(call.path[0], "search")
    params = (*call.query, *parse_form(call.body))
    return await _run(call, call.path[0], params, visibility)


async def search_compartment(call: Call) -> Answer:
    """`GET [base]/Patient/[id]/[type]?...` and the compartments of an Encounter, Practitioner, Device, ..."""
    name, identity, resource_type = call.path
    visibility = await call.visibility(resource_type, "search")
    if name != "Patient":
        return await _run(call, resource_type, call.query, visibility, (name, identity))
    open_to = frozenset({identity}) if visibility.patients is None else visibility.patients & {identity}
    return await _run(call, resource_type, call.query, replace(visibility, patients=open_to, shared_types=frozenset()))


async def _run(
    call: Call,
    resource_type: str,
    params: Params,
    visibility: Visibility,
    within: tuple[str, str] | None = None,
) -> Answer:
    asked = await expand(call, resource_type, tuple(pair for pair in params if not _is_form(pair)))
    if is_asked(params):
        if within is not None:
            raise UnknownParameter("_explain is for searches of a type.")
        return await explained(call, resource_type, tuple(asked), visibility)
    cursor = next((value for name, value in params if name == "_cursor"), None)
    found = await call.services.store.search(
        resource_type, tuple(asked), visibility=visibility, lenient=call.lenient, cursor=cursor, within=within,
        owner=call.caller.subject, session=call.session,
    )
    page = replace(found, applied=tuple(asked[pair] for pair in found.applied))
    path = "/".join(part for part in call.path if part != "_search")
    entries = entries_of(call, page, params)
    body = join("searchset", _links(call, path, page), page.total, entries, call.services.clock())
    return Answer(200, body, {}, (*page.matches, *page.included), interaction="search")


def _is_form(pair: tuple[str, str]) -> bool:
    return pair[0] in FORM or pair == ("_explain", "false")


def _links(call: Call, path: str, page: Page) -> list[tuple[str, str]]:
    # The self link says what was applied, so that a caller sees what a lenient server passed over.
    links = [("self", link(call.base, path, page.applied))]
    for relation, cursor in (("previous", page.previous_cursor), ("next", page.next_cursor)):
        if cursor:
            links.append((relation, link(call.base, path, (*page.applied, ("_cursor", cursor)))))
    return links


def entries_of(call: Call, page: Page, params: Params) -> Iterator[bytes]:
    if ("_summary", "count") in params:
        return
    near = [value for name, value in params if name == "near"]
    for row in page.matches:
        entry = searchset_entry(call.base, row, shape(row.text, params), "match")
        yield with_distance(entry, row, near) if near and row.type == "Location" else entry
    for row in page.included:
        yield searchset_entry(call.base, row, row.text, "include")
