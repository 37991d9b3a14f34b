"""
search of the whole system, by GET or POST: parameters that every type has, one type after the other.

https://hl7.org/fhir/R4/http.html#search
"""

from __future__ import annotations

from hie.fhir.bundles import join, link
from hie.fhir.call import Answer, Call, Params, parse_form
from hie.fhir.interactions.search import FORM, entries_of
from records.definitions import definitions
from records.errors import UnknownParameter
from records.stored import Page


async def search_system(call: Call) -> Answer:
    """`GET [base]?_type=...` with parameters that every type has; one type after the other, page by page."""
    return await _across(call, call.query)


async def search_system_by_post(call: Call) -> Answer:
    """`POST [base]/_search`."""
    return await _across(call, (*call.query, *parse_form(call.body)))


async def _across(call: Call, params: Params) -> Answer:
    kinds = await _types(call, params)
    asked = tuple(pair for pair in params if pair[0] not in FORM | {"_type"})
    at, _, cursor = next((value for name, value in params if name == "_cursor"), "").partition("/")
    size = _size(call, asked)
    pages: list[tuple[str, Page]] = []
    room = size
    for kind in kinds[kinds.index(at) if at in kinds else 0 :]:
        visibility = await call.visibility(kind, "search")
        one = (*(pair for pair in asked if pair[0] != "_count"), ("_count", str(room)), ("_total", "accurate"))
        page = await call.services.store.search(
            kind, one, visibility=visibility, cursor=cursor or None, owner=call.caller.subject, session=call.session
        )
        cursor = ""
        pages.append((kind, page))
        room -= len(page.matches)
        if room <= 0 and size:
            break
    return _joined(call, params, kinds, pages)


async def _types(call: Call, params: Params) -> list[str]:
    """The types that are asked for: those of _type, else all that are stored and open to the caller."""
    named = [one for name, value in params if name == "_type" for one in value.split(",")]
    if unknown := [one for one in named if one not in definitions().resource_types]:
        raise UnknownParameter(f"{unknown[0][:64]!r} is no resource type of this server.")
    if named:
        return list(dict.fromkeys(named))
    open_to = (await call.visibility("*", "search")).types
    return [one for one in await call.services.store.types() if open_to is None or one in open_to]


def _size(call: Call, params: Params) -> int:
    asked = next((value for name, value in params if name == "_count"), "")
    settings = call.services.settings
    return min(int(asked), settings.fhir_max_count) if asked.isdigit() else settings.fhir_default_count


def _joined(call: Call, params: Params, kinds: list[str], pages: list[tuple[str, Page]]) -> Answer:
    rest = tuple(pair for pair in params if pair[0] not in ("_cursor", "_format", "_pretty"))
    links = [("self", link(call.base, "", rest))]
    kind, last = pages[-1] if pages else ("", Page(()))
    following = f"{kind}/{last.next_cursor}" if last.next_cursor else _after(kinds, kind)
    if following and ("_summary", "count") not in params:
        links.append(("next", link(call.base, "", (*rest, ("_cursor", following)))))
    whole = len(pages) == len(kinds)
    total = sum(page.total or 0 for _, page in pages) if whole else None
    entries = (entry for _, page in pages for entry in entries_of(call, page, params))
    body = join("searchset", links, total, entries, call.services.clock())
    rows = tuple(row for _, page in pages for row in (*page.matches, *page.included))
    return Answer(200, body, {}, rows, interaction="search")


def _after(kinds: list[str], kind: str) -> str:
    """Where the next page begins: at the first row of the next type."""
    at = kinds.index(kind) + 1 if kind in kinds else len(kinds)
    return f"{kinds[at]}/" if at < len(kinds) else ""
