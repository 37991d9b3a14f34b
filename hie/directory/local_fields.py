"""
A field of a site's own segment, and the FHIR element that its profile gives it, resolved against R4. Pure.

    {from: ZPD-3, to: Patient.maritalStatus}
    {from: ZPD-4, to: Patient, extension: "urn:hie:blood-group", as: CodeableConcept}
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from adapters.hl7v2.mapping import paths
from adapters.hl7v2.mapping.model import Row
from adapters.hl7v2.mapping.primitives import PRIMITIVES
from adapters.hl7v2.mapping.scope import Reference
from adapters.hl7v2.site import ZField
from records.definitions import load

# The tables of data types that a field of such an element is read by.
_THROUGH = {
    "CodeableConcept": "CWE[CodeableConcept]", "Identifier": "CX[Identifier]", "HumanName": "XPN[HumanName]",
    "Address": "XAD[Address]", "ContactPoint": "XTN[ContactPoint]", "Quantity": "CQ[Quantity]",
    "Practitioner": "XCN[Practitioner]", "Location": "PL[Location]", "Organization": "XON[Organization]",
}  # fmt: skip
# What other rules depend on: a field of the site's own never says it.
_DECIDED = frozenset({"id", "meta", "status", "subject", "patient", "encounter", "link", "active", "class", "period"})


def z_field(source: Reference, to: str, extension: str, kind: str) -> ZField:
    """The field and its rows. Raises ValueError with what is wrong."""
    resource_type, _, path = to.partition(".")
    if _structures().get(resource_type, {}).get("kind") != "resource":
        raise ValueError(f"No type of resource: {resource_type}.")
    if path.split(".")[0].split("[")[0].split("(")[0] in _DECIDED:
        raise ValueError(f"{path} is decided by the meaning of the message, not by one field.")
    at = f"{source.name}-{'.'.join(str(n) for n in (source.field, source.component, source.subcomponent) if n)}"
    rows = _extension(at, path, resource_type, extension, kind) if extension else [_row(at, path, resource_type)]
    return ZField(source.name, resource_type, tuple(rows))


def _extension(at: str, path: str, resource_type: str, url: str, kind: str) -> list[Row]:
    """Two rows: the url, and the value of the kind that is asked for."""
    kind = kind or "string"
    before = f"{path}." if path else ""
    # A number of its own: two fields never share one extension.
    number = 1 + sum(map(ord, at))
    value = _row(at, f"{before}extension[{number}].value{kind[:1].upper()}{kind[1:]}", resource_type)
    steps = _steps(f"{before}extension[{number}].url", resource_type)
    return [Row(at, "extension.url", steps, value=json.dumps(url)), value]


def _row(at: str, path: str, resource_type: str) -> Row:
    if not path:
        raise ValueError(f"An element of {resource_type} is wanted, or an extension.")
    steps = _steps(path, resource_type)
    kind = steps[-1].type
    if kind not in PRIMITIVES and kind not in _THROUGH:
        raise ValueError(f"{path} is a {kind}, which one field cannot say.")
    return Row(at, path, steps, through=_THROUGH.get(kind, ""))


def _steps(path: str, resource_type: str) -> tuple[paths.Step, ...]:
    try:
        return paths.resolve(path, resource_type, _structures())
    except paths.NotAPath as error:
        raise ValueError(f"{path}: {error}.") from error


@cache
def _structures() -> dict[str, Any]:
    found: dict[str, Any] = load.read("structures")
    return found
