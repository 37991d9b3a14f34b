"""
One FHIR request and its answer, free of any web framework: the entry of a batch is a call like any other.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from pymongo.asynchronous.client_session import AsyncClientSession

from hie.access.caller import Caller
from hie.fhir.services import FhirServices
from records.errors import NotUnderstood
from records.stored import Stored, Visibility

Params = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """
    A request: `path` is what follows the base, split at slashes; `query` keeps order and repeats.

    `headers` have lower-case names. `base` is the address that links and locations begin with, `address` the client's
    network address. `dispatch` is the router: the entries of a batch go through it again. `session` is the database
    transaction that the call is part of, where it is part of one.
    """

    services: FhirServices
    dispatch: Callable[[Call], Awaitable[Answer]]
    caller: Caller
    method: str
    path: tuple[str, ...]
    query: Params = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base: str = ""
    request_id: str = ""
    address: str = ""
    session: AsyncClientSession | None = None

    def header(self, name: str) -> str | None:
        """One header, or None."""
        return self.headers.get(name.lower())

    def prefers(self, name: str) -> str | None:
        """A preference: `return`, `handling`, ... of the Prefer header (RFC 7240)."""
        for part in (self.header("prefer") or "").replace(";", ",").split(","):
            key, _, value = part.strip().partition("=")
            if key.lower() == name:
                return value.strip('"').lower()
        return None

    @property
    def lenient(self) -> bool:
        """True where unknown search parameters are to be passed over."""
        return self.prefers("handling") == "lenient"

    async def visibility(self, resource_type: str, interaction: str) -> Visibility:
        """What this caller may see or touch; Refused where the scope or the policy says no."""
        return await self.services.gate.visibility(self.caller, resource_type, interaction)


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What goes back. `rows` are the stored resources that the caller is shown or changed: the audit trail names
    their patients before the answer leaves. `stream` replaces `body` for answers of unknown size.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[Stored, ...] = ()
    stream: AsyncIterator[bytes] | None = None
    interaction: str = ""
    resource_type: str = ""
    resource_id: str = ""


def split_url(url: str) -> tuple[tuple[str, ...], Params]:
    """`Patient?name=x` to (("Patient",), (("name", "x"),)); used for the entries of a bundle."""
    path, _, query = url.partition("?")
    return tuple(unquote(part) for part in path.split("/") if part), parse_query(query)


def parse_query(query: str) -> Params:
    """A query string to pairs, empty values kept: an empty search value is an error, not an absence."""
    if "%00" in query or "\x00" in query:
        raise NotUnderstood("A null byte has no place in a query.")
    try:
        return tuple(parse_qsl(query, keep_blank_values=True, encoding="utf-8", errors="strict"))
    except UnicodeDecodeError:
        raise NotUnderstood("The query is not UTF-8.") from None


def parse_form(body: bytes) -> Params:
    """The parameters of a search by POST."""
    try:
        return parse_query(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise NotUnderstood("The form is not UTF-8.") from None
