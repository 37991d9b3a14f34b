"""
The exchange's FHIR API, called with the visitor's own token: what it refuses, the portal cannot show.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpx

from portal.errors import Conflict, NotThere, PortalError, Refused, SignedOut, Unavailable

Json = dict[str, Any]
Params = Sequence[tuple[str, str]]
MEDIA_TYPE = "application/fhir+json"
ERRORS: Mapping[int, type[PortalError]] = {
    401: SignedOut, 403: Refused, 404: NotThere, 409: Conflict, 410: NotThere, 412: Conflict,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search: what matched, what was included, how many there are, where the next page is."""

    matches: tuple[Json, ...] = ()
    included: tuple[Json, ...] = ()
    total: int | None = None
    next: str = ""

    def by_reference(self) -> dict[str, Json]:
        """Everything by `Type/id`."""
        return {f"{one['resourceType']}/{one['id']}": one for one in (*self.included, *self.matches)}


class Fhir:
    """One visitor's view of the exchange."""

    def __init__(self, http: httpx.AsyncClient, base: str, token: str) -> None:
        self._http, self._base = http, base
        self._headers = {"Authorization": f"Bearer {token}", "Accept": MEDIA_TYPE}

    async def search(self, resource_type: str, *params: tuple[str, str]) -> Found:
        """The first page."""
        return _found(await self._ask("GET", f"{self._base}/{resource_type}", params=params))

    async def follow(self, address: str) -> Found:
        """A further page: the address is the server's, its origin the one that we can reach."""
        query = urlsplit(address).query
        return _found(await self._ask("GET", f"{self._base}/{_below(address)}?{query}"))

    async def all(self, resource_type: str, *params: tuple[str, str], pages: int = 5) -> Found:
        """Several pages as one, for lists that are short by nature; `next` says that there is still more."""
        found = await self.search(resource_type, *params)
        for _ in range(pages - 1):
            if not found.next:
                break
            more = await self.follow(found.next)
            found = Found(found.matches + more.matches, found.included + more.included, found.total, more.next)
        return found

    async def count(self, resource_type: str, *params: tuple[str, str]) -> int:
        """How many there are."""
        return (await self.search(resource_type, ("_summary", "count"), *params)).total or 0

    async def read(self, resource_type: str, resource_id: str) -> Json:
        """One resource; NotThere where it is not this visitor's."""
        if not resource_id.replace("-", "").replace(".", "").isalnum() or not resource_id.isascii():
            raise NotThere
        return await self._ask("GET", f"{self._base}/{resource_type}/{resource_id}")

    async def create(self, resource: Json) -> Json:
        """A new resource."""
        return await self._ask("POST", f"{self._base}/{resource['resourceType']}", body=resource)

    async def update(self, resource: Json) -> Json:
        """A new version of the one that was read; Conflict where it changed meanwhile."""
        address = f"{self._base}/{resource['resourceType']}/{resource['id']}"
        return await self._ask("PUT", address, body=resource, version=str(resource["meta"]["versionId"]))

    async def _ask(
        self, method: str, address: str, *, params: Params = (), body: Json | None = None, version: str = ""
    ) -> Json:
        headers = {**self._headers, "X-Request-Id": str(uuid.uuid4())}
        if body is not None:
            headers["Content-Type"] = MEDIA_TYPE
        if version:
            headers["If-Match"] = f'W/"{version}"'
        content = None if body is None else json.dumps(body, ensure_ascii=False, default=_plain).encode()
        try:
            answer = await self._http.request(
                method, address, params=list(params) or None, headers=headers, content=content
            )  # fmt: skip
        except httpx.HTTPError as error:
            raise Unavailable from error
        return _understood(answer)


def _understood(answer: httpx.Response) -> Json:
    if answer.status_code >= 400:
        raise ERRORS.get(answer.status_code, Unavailable)
    try:
        found = json.loads(answer.content, parse_float=Decimal) if answer.content else {}
    except ValueError as error:
        raise Unavailable from error
    return dict(found)


def _found(bundle: Json) -> Found:
    return Found(
        tuple(_entries(bundle, "match")),
        tuple(_entries(bundle, "include")),
        bundle.get("total"),
        next((str(link["url"]) for link in bundle.get("link", ()) if link.get("relation") == "next"), ""),
    )


def _entries(bundle: Json, mode: str) -> Iterator[Json]:
    for entry in bundle.get("entry", ()):
        if entry.get("search", {}).get("mode", "match") == mode and "resource" in entry:
            yield entry["resource"]


def _below(address: str) -> str:
    return urlsplit(address).path.partition("/fhir/")[2]


def _plain(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError
