"""
The invariants that matter most, in plain code: about contained resources, periods, bundles, references.

https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from records.errors import Issue
from records.search import date
from records.stored import Json


def invariants(resource: Json, where: str) -> Iterator[Issue]:
    """What holds of a resource beyond its structure; names the constraint's key."""
    yield from _contained(resource, where)
    yield from _nested(resource, where)
    if resource["resourceType"] == "Observation":
        yield from _observation(resource, where)


def _contained(resource: Json, where: str) -> Iterator[Issue]:
    inside = resource.get("contained")
    for number, one in enumerate(inside if isinstance(inside, list) else ()):
        if isinstance(one, dict) and "contained" in one:
            yield Issue(f"{where}.contained[{number}]", "A contained resource contains none (dom-2).", "invariant")
        if isinstance(one, dict) and "id" not in one:
            yield Issue(f"{where}.contained[{number}]", "A contained resource has an id.", "invariant")


def _nested(value: Any, where: str) -> Iterator[Issue]:
    """Extensions and periods, wherever they are."""
    if isinstance(value, list):
        for number, one in enumerate(value):
            if isinstance(one, dict):
                yield from _nested(one, f"{where}[{number}]")
        return
    for name, one in value.items():
        if isinstance(one, list | dict) and name != "contained" and name != "resource":
            yield from _nested(one, f"{where}.{name}")
    if "url" in value and ("extension" in value or any(name.startswith(("value", "_value")) for name in value)):
        yield from _extension(value, where)
    elif isinstance(value.get("start"), str) and isinstance(value.get("end"), str) and "resourceType" not in value:
        yield from _period(value, where)


def _extension(extension: Json, where: str) -> Iterator[Issue]:
    last = where.rpartition(".")[2].partition("[")[0]
    if last not in ("extension", "modifierExtension"):
        return
    if "extension" in extension and any(name.startswith("value") for name in extension):
        yield Issue(where, "An extension has a value or extensions, not both (ext-1).", "invariant")


def _period(period: Json, where: str) -> Iterator[Issue]:
    start, end = date.span(period["start"]), date.span(period["end"])
    if start and end and start.start > end.end:
        yield Issue(where, "A period begins before it ends (per-1).", "invariant")


def _observation(resource: Json, where: str) -> Iterator[Issue]:
    if "dataAbsentReason" in resource and any(name.startswith("value") for name in resource):
        yield Issue(where, "An absent value has a reason only where there is no value (obs-6).", "invariant")
