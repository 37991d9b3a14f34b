"""
Which interaction a method and an address ask for: the whole interface on one screen.

https://hl7.org/fhir/R4/http.html#summary
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace

from hie.fhir.call import Answer, Call
from hie.fhir.interactions.bundle import bundle
from hie.fhir.interactions.capabilities import capabilities
from hie.fhir.interactions.create import create
from hie.fhir.interactions.delete import conditional_delete, delete
from hie.fhir.interactions.history import history
from hie.fhir.interactions.patch import conditional_patch, patch
from hie.fhir.interactions.read import read, vread
from hie.fhir.interactions.search import search, search_by_post, search_compartment
from hie.fhir.interactions.search_system import search_system, search_system_by_post
from hie.fhir.interactions.update import conditional_update, update
from hie.fhir.operations.everything import everything
from hie.fhir.operations.validate import validate
from records.definitions import definitions
from records.errors import NotFound, RecordError

Handler = Callable[[Call], Awaitable[Answer]]

_ID = re.compile(r"^[A-Za-z0-9\-.]{1,64}$")


class NotAllowed(RecordError):
    """The address exists, and not for this method."""

    issue = "not-supported"
    status = 405


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` is a path of literals, T (a type), I (an id), * (anything); `?` says that a query is needed."""

    method: str
    pattern: str
    handler: Handler


COMPARTMENTS = ("Patient", "Encounter", "Practitioner", "RelatedPerson", "Device")
ROUTES = (
    Route("GET", "metadata", capabilities),
    Route("POST", "", bundle),
    Route("GET", "", search_system),
    Route("POST", "_search", search_system_by_post),
    Route("GET", "_history", history),
    Route("GET", "T", search),
    Route("POST", "T/_search", search_by_post),
    Route("POST", "T", create),
    Route("PUT", "T?", conditional_update),
    Route("PATCH", "T?", conditional_patch),
    Route("DELETE", "T?", conditional_delete),
    Route("GET", "T/_history", history),
    Route("POST", "T/$validate", validate),
    Route("GET", "T/I", read),
    Route("PUT", "T/I", update),
    Route("PATCH", "T/I", patch),
    Route("DELETE", "T/I", delete),
    Route("GET", "T/I/_history", history),
    Route("GET", "T/I/_history/*", vread),
    Route("GET", "Patient/I/$everything", everything),
    Route("GET", "Person/I/$everything", everything),
    *(Route("GET", f"{name}/I/T", search_compartment) for name in COMPARTMENTS),
)


async def dispatch(call: Call) -> Answer:
    """Find the interaction and run it; the answer says which type and id it was about."""
    handler = find(call.method, call.path, bool(call.query))
    answer = await handler(call)
    return replace(
        answer,
        resource_type=answer.resource_type or _named(call.path, 0),
        resource_id=answer.resource_id or _named(call.path, 1),
    )


def find(method: str, path: tuple[str, ...], queried: bool) -> Handler:
    """The handler; NotFound for an unknown type or address, NotAllowed for a method that it does not take."""
    if (found := route(method, path, queried)) is not None:
        return found.handler
    fitting = list(_fitting(path))
    if path and path[0][:1].isupper() and path[0] not in definitions().resource_types:
        raise NotFound(f"This server knows no resource type {path[0][:64]!r}.")
    if fitting:
        allowed = ", ".join(sorted({one.method for one in fitting}))
        raise NotAllowed(f"{method[:16]} is not taken here; this address takes {allowed}.")
    raise NotFound("There is nothing at this address; /metadata lists what there is.")


def route(method: str, path: tuple[str, ...], queried: bool) -> Route | None:
    """The route that a request takes, None where there is none."""
    asked = "GET" if method == "HEAD" else method
    for one in _fitting(path):
        if one.method == asked and queried >= one.pattern.endswith("?"):
            return one
    return None


def _fitting(path: tuple[str, ...]) -> Iterator[Route]:
    for one in ROUTES:
        parts = [part for part in one.pattern.rstrip("?").split("/") if part]
        if len(parts) == len(path) and all(map(_fits, parts, path)):
            yield one


def _fits(part: str, given: str) -> bool:
    match part:
        case "T":
            return given in definitions().resource_types
        case "I":
            return _ID.match(given) is not None
        case "*":
            return True
        case _:
            return part == given


def _named(path: tuple[str, ...], position: int) -> str:
    return path[position] if len(path) > position and path[position][0] not in "_$" else ""
