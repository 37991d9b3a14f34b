"""What a capability statement claims, as short sentences: `interaction read`, `operation everything`, `format xml`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def claims(statement: Json) -> frozenset[str]:
    """Every claim; what is said of types must be said of each of them, but for operations and search parameters."""
    (rest,) = statement["rest"]
    types = rest["resource"]
    return frozenset((*_of_server(statement, rest), *_of_every_type(types), *_of_some_type(types)))


def _of_server(statement: Json, rest: Json) -> Iterator[str]:
    yield from (f"format {one}" for one in statement["format"])
    yield from (f"patch {one}" for one in statement["patchFormat"])
    yield from (f"interaction {one['code']}" for one in rest["interaction"])
    yield from (f"operation {one['name']}" for one in rest.get("operation", ()))
    yield from ["messaging"] if statement.get("messaging") else []
    services = rest["security"]["service"]
    yield from ["smart"] if any(one["code"] == "SMART-on-FHIR" for two in services for one in two["coding"]) else []


def _of_every_type(resources: list[Json]) -> frozenset[str]:
    return frozenset.intersection(*(frozenset(_of_type(one)) for one in resources))


def _of_type(resource: Json) -> Iterator[str]:
    yield from (f"interaction {one['code']}" for one in resource["interaction"])
    yield from (f"resource {name}" for name, value in resource.items() if value and value != "not-supported")
    yield from ["include any"] if "*" in resource.get("searchInclude", ()) else []


def _of_some_type(resources: list[Json]) -> Iterator[str]:
    for one in resources:
        for operation in one.get("operation", ()):
            yield f"operation {operation['name']}"
            yield f"operation of {one['type']} {operation['name']}"
        for parameter in one["searchParam"]:
            yield f"search type {parameter['type']}"
            yield f"parameter {one['type']}.{parameter['name']}"
        yield from ["include"] if one.get("searchInclude") else []
        yield from ["revinclude"] if one.get("searchRevInclude") else []
