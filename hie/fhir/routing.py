"""
How an address is matched with the list of routes, and what a route offers in the words of a CapabilityStatement.

https://hl7.org/fhir/R4/http.html#general
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from hie.fhir.call import Answer, Call
from records.definitions import definitions
from records.errors import NotFound, RecordError

Handler = Callable[[Call], Awaitable[Answer]]

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
# What the standard calls an interaction, by method and by the shape of its address.
_CODES = {
    ("GET", "T/I"): "read", ("GET", "T/I/_history/*"): "vread", ("PUT", "T/I"): "update", ("PATCH", "T/I"): "patch",
    ("DELETE", "T/I"): "delete", ("GET", "T/I/_history"): "history-instance", ("GET", "T/_history"): "history-type",
    ("POST", "T"): "create", ("GET", "T"): "search-type", ("GET", ""): "search-system",
    ("GET", "_history"): "history-system", ("POST", ""): "transaction",
}  # fmt: skip


class NotAllowed(RecordError):
    """The address exists, and not for this method."""

    issue = "not-supported"
    status = 405


@dataclass(frozen=True, slots=True)
class Route:
    """
    `pattern` is a path of literals, T (a type), I (an id), * (anything); `?` says that a query is needed.

    An operation is named by the part of its pattern that begins with a dollar sign; `definition` is the canonical
    address of its OperationDefinition where that is not the standard's own, e.g. `.../Patient-everything`.
    """

    method: str
    pattern: str
    handler: Handler
    definition: str = ""
    parts: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(part for part in self.pattern.rstrip("?").split("/") if part))

    @property
    def operation(self) -> str:
        """The operation's name without its dollar sign, or an empty string."""
        return next((part[1:] for part in self.parts if part.startswith("$")), "")

    @property
    def type(self) -> str:
        """The resource type that the route is for: T for any, an empty string for the whole system."""
        first = self.parts[0] if self.parts else ""
        return first if first[:1].isupper() else ""

    @property
    def interaction(self) -> str:
        """The code of the RESTful interaction, or an empty string."""
        generic = ("T", *self.parts[1:]) if self.type else self.parts
        return "" if self.pattern.endswith("?") else _CODES.get((self.method, "/".join(generic)), "")


class Table:
    """The routes by the length of their paths: few are looked at for a request."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes: dict[int, list[Route]] = {}
        for one in routes:
            self._routes.setdefault(len(one.parts), []).append(one)

    def route(self, method: str, path: tuple[str, ...], queried: bool) -> Route | None:
        """The route that a request takes, None where there is none."""
        asked = "GET" if method == "HEAD" else method
        for one in self._routes.get(len(path), ()):
            if one.method == asked and queried >= one.pattern.endswith("?") and all(map(_fits, one.parts, path)):
                return one
        return None

    def methods(self, path: tuple[str, ...]) -> list[str]:
        """What an address takes, sorted; nothing where there is no such address."""
        taken = {one.method for one in self._routes.get(len(path), ()) if all(map(_fits, one.parts, path))}
        return sorted(taken | {"HEAD"} if "GET" in taken else taken)

    def find(self, method: str, path: tuple[str, ...], queried: bool) -> Handler:
        """The handler; NotFound for an unknown type or address, NotAllowed for a method that it does not take."""
        if (found := self.route(method, path, queried)) is not None:
            return found.handler
        if path and path[0][:1].isupper() and path[0] not in definitions().resource_types:
            raise NotFound(f"This server knows no resource type {path[0][:64]!r}.")
        if allowed := self.methods(path):
            raise NotAllowed(f"{method[:16]} is not taken here; this address takes {', '.join(allowed)}.")
        raise NotFound("There is nothing at this address; /metadata lists what there is.")


def _fits(part: str, given: str) -> bool:
    match part:
        case "T":
            return given in definitions().resource_types
        case "I":
            return _ID.fullmatch(given) is not None
        case "*":
            return True
        case _:
            return part == given
