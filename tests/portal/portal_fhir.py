"""
A small FHIR server for the portal's tests: canned resources, the few search parameters that the portal uses.

The real one enforces whose record a token opens; here the token only has to be there. `broken` names types that answer
503, `requests` keeps what was asked.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Json = dict[str, Any]
TIMES = {
    "Encounter": "period", "DiagnosticReport": "effectiveDateTime", "Observation": "effectiveDateTime",
    "MedicationRequest": "authoredOn", "MedicationDispense": "whenHandedOver", "Immunization": "occurrenceDateTime",
    "DocumentReference": "date", "AuditEvent": "recorded", "Appointment": "start", "Condition": "recordedDate",
}  # fmt: skip
DATES = {"date", "authoredon", "whenhandedover"}
INCLUDES = {"Encounter:diagnosis": "Condition", "DiagnosticReport:result": "Observation"}


class FakeFhir:
    """The server."""

    def __init__(self, resources: Iterable[Json]) -> None:
        self.resources = {f"{one['resourceType']}/{one['id']}": copy.deepcopy(one) for one in resources}
        self.broken: set[str] = set()
        self.requests: list[tuple[str, str]] = []
        self.expired = False

    def application(self) -> Starlette:
        """As an ASGI application below /fhir."""
        return Starlette(
            routes=[
                Route("/fhir/metadata", self.metadata),
                Route("/fhir/{type}", self.type, methods=["GET", "POST"]),
                Route("/fhir/{type}/{id}", self.instance, methods=["GET", "PUT"]),
            ]
        )

    async def metadata(self, _: Request) -> Response:
        return answer({"resourceType": "CapabilityStatement"})

    async def type(self, request: Request) -> Response:
        """Search and create."""
        kind = request.path_params["type"]
        if (refused := self._refused(request, kind)) is not None:
            return refused
        if request.method == "POST":
            created = {**json.loads(await request.body()), "id": str(uuid.uuid4()), "meta": {"versionId": "1"}}
            self.resources[f"{kind}/{created['id']}"] = created
            return answer(created, 201)
        return answer(self._search(kind, request))

    async def instance(self, request: Request) -> Response:
        """Read and update."""
        kind, key = request.path_params["type"], f"{request.path_params['type']}/{request.path_params['id']}"
        if (refused := self._refused(request, kind)) is not None:
            return refused
        stored = self.resources.get(key)
        if stored is None:
            return answer({"resourceType": "OperationOutcome"}, 404)
        if request.method == "PUT":
            version = stored["meta"]["versionId"]
            if request.headers.get("if-match") != f'W/"{version}"':
                return answer({"resourceType": "OperationOutcome"}, 412)
            stored = {**json.loads(await request.body()), "meta": {"versionId": str(int(version) + 1)}}
            self.resources[key] = stored
        return answer(stored)

    def of(self, kind: str) -> list[Json]:
        """What is stored of a type."""
        return [one for one in self.resources.values() if one["resourceType"] == kind]

    def _refused(self, request: Request, kind: str) -> Response | None:
        query = request.url.query
        self.requests.append((request.method, f"{kind}?{query}" if query else request.url.path))
        if self.expired or not request.headers.get("authorization", "").startswith("Bearer ey"):
            return answer({"resourceType": "OperationOutcome"}, 401)
        return answer({"resourceType": "OperationOutcome"}, 503) if kind in self.broken else None

    def _search(self, kind: str, request: Request) -> Json:
        params = request.query_params.multi_items()
        found = [one for one in self.of(kind) if all(matches(one, name, value) for name, value in params)]
        found.sort(key=time_of, reverse=dict(params).get("_sort", "-").startswith("-"))
        count, start = int(dict(params).get("_count", 20)), int(dict(params).get("start", 0))
        page = found[start : start + count]
        bundle: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": []}
        if dict(params).get("_summary") == "count":
            return bundle
        bundle["entry"] = [{"resource": one, "search": {"mode": "match"}} for one in page]
        bundle["entry"] += [{"resource": one, "search": {"mode": "include"}} for one in self._included(page, params)]
        if start + count < len(found):
            # The server's own name of itself is not the one that the portal reaches it by.
            following = request.url.include_query_params(start=start + count)
            address = str(following).replace(following.netloc, "fhir.public.example")
            bundle["link"] = [{"relation": "next", "url": address}]
        return bundle

    def _included(self, page: list[Json], params: list[tuple[str, str]]) -> Iterator[Json]:
        wanted = {INCLUDES[value] for name, value in params if name == "_include"}
        texts = json.dumps(page)
        for key, one in self.resources.items():
            if one["resourceType"] in wanted and f'"{key}"' in texts:
                yield one


def answer(body: Json, status: int = 200) -> Response:
    """A FHIR answer."""
    return Response(json.dumps(body, ensure_ascii=False), status, media_type="application/fhir+json")


def time_of(resource: Json) -> str:
    """When it was, comparable as text: all test data is in one zone."""
    value = resource.get(TIMES.get(resource["resourceType"], ""), "")
    return str(value.get("start", "")) if isinstance(value, dict) else str(value)


def matches(resource: Json, name: str, value: str) -> bool:
    """Whether a search parameter holds; one that is not known here is a mistake of the test."""
    text = json.dumps(resource, ensure_ascii=False)
    match name:
        case "_sort" | "_count" | "_include" | "_summary" | "start":
            return True
        case "_id":
            return bool(resource["id"] == value)
        case "patient" | "encounter":
            return f'"{value}"' in text
        case "name:contains":
            return value in resource.get("name", "")
        case "agent-role:missing":
            return not any("role" in agent for agent in resource["agent"])
        case "code" | "category" | "agent-role" | "subtype":
            return any(f'"{one.rpartition("|")[2]}"' in text for one in value.split(","))
        case _ if name in DATES:
            return compared(time_of(resource), value)
    raise AssertionError(f"the fake server does not know {name}")


def compared(time: str, value: str) -> bool:
    """lt, gt, ge of moments."""
    from datetime import datetime

    mine, theirs = datetime.fromisoformat(time), datetime.fromisoformat(value[2:])
    return {"lt": mine < theirs, "gt": mine > theirs, "ge": mine >= theirs}[value[:2]]
