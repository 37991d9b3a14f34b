"""
Conditions: If-Match, If-None-Match, If-Modified-Since, and searches that say which resource is meant.

What a write reads before it decides is read in the transaction that it is written in.
https://hl7.org/fhir/R4/http.html#concurrency
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

from hie.fhir.call import Call, Params, parse_query
from records.errors import Invalid, PreconditionFailed
from records.reservations import keys_of_both
from records.stored import Json, Stored, Visibility

T = TypeVar("T")
NOT_CURRENT = "The version that the write is based on is not the current one."
# What is about the form of an answer selects nothing.
FORM = frozenset(
    {"_count", "_sort", "_include", "_revinclude", "_summary", "_elements", "_total", "_contained", "_containedType"}
)
_ETAG = re.compile(r'(?:W/)?"?(\d{1,9})"?')


class SeveralMatch(PreconditionFailed):
    """A condition that has to select one resource selects several."""

    issue = "multiple-matches"


def expected(if_match: str | None, current: Stored | None) -> int | None:
    """The version to write upon, None where If-Match names none; PreconditionFailed where it is not the current one."""
    if if_match is None:
        return None
    if current is None or not names(if_match, current):
        raise PreconditionFailed(f'{NOT_CURRENT} If-Match looks like W/"3".')
    return current.version


def refuse_existing(if_none_match: str | None, current: Stored | None) -> None:
    """PreconditionFailed where If-None-Match names what is there; `*` names anything that is."""
    if if_none_match is not None and current is not None and names(if_none_match, current):
        raise PreconditionFailed("The resource exists, and If-None-Match asks that it does not.")


def names(tags: str, row: Stored) -> bool:
    """Whether a list of entity tags names this version."""
    parts = [part.strip() for part in tags.split(",")]
    found = (_ETAG.fullmatch(part) for part in parts)
    return "*" in parts or any(one is not None and int(one[1]) == row.version for one in found)


def unchanged(call: Call, row: Stored) -> bool:
    """Whether a reader has this version: If-None-Match counts, and If-Modified-Since only without it."""
    if (tags := call.headers.get("if-none-match")) is not None:
        return names(tags, row)
    since = _moment(call.headers.get("if-modified-since"))
    # Headers know whole seconds.
    return since is not None and row.updated < since + timedelta(seconds=1)


def _moment(value: str | None) -> datetime | None:
    """A date of HTTP, or an instant of a Bundle's entry; what is neither counts as absent (RFC 9110)."""
    if value is None:
        return None
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(value)
        except ValueError:
            continue
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).replace(microsecond=0)
    return None


def condition(query: Params) -> Params:
    """What of a query selects resources; Invalid where nothing does, or where it is about more than that."""
    asked = tuple((name, value) for name, value in query if name not in ("_format", "_pretty"))
    if foreign := [name for name, _ in asked if name.partition(":")[0] in FORM]:
        raise Invalid(f"{foreign[0][:64]} has no place in a condition: it selects nothing.", status=400)
    if not asked:
        raise Invalid("A condition without search parameters would match everything.", status=412)
    return asked


def if_none_exist(header: str) -> Params:
    """The condition of If-None-Exist: a query, with or without the type's address before it."""
    return condition(parse_query(header.partition("?")[2] or header))


async def matches(
    call: Call, resource_type: str, query: Params, visibility: Visibility, most: int = 2
) -> tuple[Stored, ...]:
    """What matches, no more than `most`: of two, none, one and several is all that most conditions ask."""
    asked = (*condition(query), ("_count", str(most)), ("_total", "none"))
    page = await call.services.store.search(resource_type, asked, visibility=visibility, session=call.session)
    return page.matches


async def doomed(call: Call, resource_type: str, query: Params, visibility: Visibility) -> tuple[Stored, ...]:
    """What a delete by condition takes away; SeveralMatch beyond what the settings allow."""
    limit = call.services.settings.fhir_max_conditional_deletes
    found = await matches(call, resource_type, query, visibility, limit + 1)
    if len(found) > limit:
        raise SeveralMatch(f"More than {limit} resources match; nothing was deleted.")
    return found


async def the_one(call: Call, resource_type: str, query: Params, visibility: Visibility) -> Stored | None:
    """The resource that matches, None where none does; SeveralMatch."""
    found = await matches(call, resource_type, query, visibility)
    if len(found) > 1:
        raise SeveralMatch("Several resources match; the condition must select one.")
    return found[0] if found else None


async def in_one(call: Call, work: Callable[[Call], Awaitable[T]]) -> T:
    """Read and write in one transaction, that of the call where it has one; it may run again from its start."""
    if call.session is not None:
        return await work(call)
    return await call.services.store.in_transaction(lambda session: work(replace(call, session=session)))


@asynccontextmanager
async def in_turn(call: Call, resource_type: str, query: Params, resource: Json) -> AsyncIterator[None]:
    """One at a time of those in this process that ask the same, or write what the condition asks for."""
    if call.session is not None:
        yield
        return
    async with call.services.store.turns.take(keys_of_both(resource_type, query, resource)):
        yield


async def reserve(call: Call, resource_type: str, query: Params, resource: Json) -> None:
    """Take turns with whoever asks the same, or writes what the condition asks for."""
    assert call.session is not None
    await call.services.store.reserve(keys_of_both(resource_type, query, resource), session=call.session)
