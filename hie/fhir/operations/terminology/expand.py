"""
`ValueSet/$expand`: the codes of a value set, filtered and in pages.

https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from hie.fhir.call import Answer, Call
from hie.fhir.operations.terminology.asked import Asked, asked
from hie.fhir.operations.terminology.problems import told
from hie.fhir.operations.terminology.replies import address, designation, languages
from hie.fhir.operations.terminology.subjects import Subject, subject
from records.documents import instant
from records.errors import TooCostly, UnknownParameter
from records.stored import Json, encode
from terminology.tables.library import Versions, fits, same
from terminology.tables.members import Member, Members, members
from terminology.tables.naming import designations, shown, speaks
from terminology.tables.system import Designation

OPERATION = "expand"
MOST = 10_000
UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"
LANGUAGES = "urn:ietf:bcp:47"
SHAPES = {
    "url": "uri", "valueSet": "ValueSet", "valueSetVersion": "string", "filter": "string", "offset": "integer",
    "count": "integer", "includeDesignations": "boolean", "designation": "string*", "includeDefinition": "boolean",
    "activeOnly": "boolean", "excludeNested": "boolean", "excludeNotForUI": "boolean",
    "excludePostCoordinated": "boolean", "displayLanguage": "code", "exclude-system": "canonical*",
    "system-version": "canonical*", "check-system-version": "canonical*", "force-system-version": "canonical*",
}  # fmt: skip
# About the page, not about what is in it: every page of one expansion has the same identifier.
PAGE = frozenset({"offset", "count"})
# Parts of a definition that an expansion does not repeat.
LEFT_OUT = frozenset({"text", "meta", "contained", "expansion"})


async def expand(call: Call) -> Answer:
    """`GET` or `POST [base]/ValueSet/$expand`, `[base]/ValueSet/[id]/$expand`."""
    given = asked(call, OPERATION, SHAPES, "ValueSet")
    found = await subject(call, given, "ValueSet", "valueSet", "valueSetVersion", versions=_versions(given))
    with told():
        # Listed once and then kept; the first time may take a while.
        listed = await asyncio.to_thread(members, found.library, found.table)
        rows = await asyncio.to_thread(_chosen, listed, given)
    page = _page(rows, given)
    body = _resource(found, given) | {"expansion": _expansion(call, found, listed, rows, page, given)}
    return Answer(200, encode(body), rows=(found.row,) if found.row else (), interaction="operation")


def _versions(given: Asked) -> Versions:
    def of(name: str) -> dict[str, str]:
        pairs = [one.partition("|") for one in given.texts(name)]
        if any(not version for _, _, version in pairs):
            raise UnknownParameter(f"${OPERATION}: {name} is system|version.")
        return {url: version for url, _, version in pairs}

    return Versions(of("system-version"), of("force-system-version"), of("check-system-version"))


def _chosen(listed: Members, given: Asked) -> list[Member]:
    """Every member that is wanted, in the order of the definition."""
    without = [one.partition("|") for one in given.texts("exclude-system")]
    active, usable = given.truth("activeOnly"), given.truth("excludeNotForUI")
    return [
        one
        for one in listed.having(given.text("filter"))
        if not (active and one.is_inactive)
        and not (usable and one.is_abstract)
        and not any(same(url) == one.url and fits(one.version, version) for url, _, version in without)
    ]


def _page(rows: Sequence[Member], given: Asked) -> Sequence[Member]:
    count, offset = given.number("count"), given.number("offset") or 0
    if count is None and len(rows) - offset > MOST:
        raise TooCostly(f"There are more than {MOST} codes: ask for a count of them, or by a filter.", status=422)
    return rows[offset : offset + min(MOST if count is None else count, MOST)]


def _resource(found: Subject, given: Asked) -> Json:
    left_out = LEFT_OUT if given.truth("includeDefinition") else LEFT_OUT | {"compose"}
    raw = {name: value for name, value in found.table.raw.items() if name.lstrip("_") not in left_out}
    return {"resourceType": "ValueSet", **raw}


def _expansion(
    call: Call, found: Subject, listed: Members, rows: Sequence[Member], page: Sequence[Member], given: Asked
) -> Json:
    wanted = languages(call, given.text("displayLanguage"))
    shape = sorted((name, values) for name, values in given.values.items() if name not in PAGE | {"valueSet", "url"})
    name = f"{call.base} {found.table.key} {found.library.key} {shape} {wanted}"
    expansion: Json = {
        "identifier": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}",
        "timestamp": instant(call.services.clock()),
        "total": len(rows),
    }
    if listed.open:
        # Other codes of the systems may be members, too: only a part of them is held.
        expansion["extension"] = [{"url": UNCLOSED, "valueBoolean": True}]
    if "offset" in given or "count" in given:
        expansion["offset"] = given.number("offset") or 0
    expansion["parameter"] = [*_parameters(given), *_used(listed)]
    if page:
        expansion["contains"] = [_contains(one, wanted, given) for one in page]
    return {name: value for name, value in expansion.items() if value != []}


def _parameters(given: Asked) -> Iterator[Json]:
    for name, values in given.values.items():
        if name in ("valueSet", "url", "valueSetVersion"):
            continue
        for one in values:
            yield {"name": name, **_typed(given, name, one)}


def _typed(given: Asked, name: str, one: Any) -> Json:
    match SHAPES[name].rstrip("*"):
        case "boolean":
            return {"valueBoolean": given.truth(name)}
        case "integer":
            return {"valueInteger": given.number(name)}
        case "canonical" | "uri":
            return {"valueUri": one}
        case "code":
            return {"valueCode": one}
    return {"valueString": one}


def _used(listed: Members) -> Iterator[Json]:
    yield from ({"name": "version", "valueUri": address(one.canonical)} for one in listed.used if one.version)


def _contains(one: Member, wanted: Sequence[str], given: Asked) -> Json:
    contains: Json = {"system": one.url} if one.url else {}
    if one.is_abstract:
        contains["abstract"] = True
    if one.is_inactive:
        contains["inactive"] = True
    contains["code"] = one.code
    if name := shown(one, wanted):
        contains["display"] = name
    if given.truth("includeDesignations") and (names := [*_names(one, given.texts("designation"))]):
        contains["designation"] = names
    return contains


def _names(one: Member, asked_for: Sequence[str]) -> Iterator[Json]:
    for name in designations(one):
        if not asked_for or any(_is_wanted(name, token) for token in asked_for):
            yield designation(name)


def _is_wanted(name: Designation, token: str) -> bool:
    system, _, code = token.partition("|")
    if system == LANGUAGES:
        return speaks(name.language, code)
    use = name.use or {}
    return use.get("system") == system and use.get("code") == code
