"""
Compile the FHIRPath of search parameters: over 99 % of it has one of six shapes, and the rest is named here.

https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression
"""

from __future__ import annotations

import re
from typing import Any

_NAMES = r"[a-z][A-Za-z]*(?:\.[a-z][A-Za-z]*)*"
_AS = re.compile(rf"^\((?:[A-Z]\w*\.)?(?P<path>{_NAMES}) as (?P<type>\w+)\)(?P<rest>\.text)?$")
_DOT_AS = re.compile(rf"^(?:[A-Z]\w*\.)?(?P<path>{_NAMES})\.(?:as|ofType)\((?P<type>\w+)\)$")
_RESOLVE = re.compile(rf"^(?:[A-Z]\w*\.)?(?P<path>{_NAMES})\.where\(resolve\(\) is (?P<type>\w+)\)$")
_WHERE = re.compile(
    rf"^(?:[A-Z]\w*\.)?(?P<path>{_NAMES})\.where\((?P<name>\w+)='(?P<value>[^']+)'\)(?:\.(?P<rest>{_NAMES}))?$"
)
_EXTENSION = re.compile(r"^[A-Z]\w*\.extension\('(?P<url>[^']+)'\)(?:\.value)?$")
_EXISTS = re.compile(rf"^[A-Z]\w*\.(?P<path>{_NAMES})\.exists\(\) and [A-Z]\w*\.(?P=path) != false$")
_PLAIN = re.compile(rf"^(?:[A-Z]\w*\.)?(?P<path>{_NAMES})$")
_ROOT = re.compile(r"^[A-Z]\w*$")
# An address that R4's own extension does not have; its registry names the second.
ERRATA = {
    "http://hl7.org/fhir/StructureDefinition/patient-extensions-Patient-mothersMaidenName":
        "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName",
}  # fmt: skip
# R4 has these two components of DocumentReference's `relationship` the wrong way round.
COMPONENT_ERRATA = {
    ("http://hl7.org/fhir/SearchParameter/DocumentReference-relatesto", "code"): "target",
    ("http://hl7.org/fhir/SearchParameter/DocumentReference-relation", "target"): "code",
}
# Left out knowingly; the build names each: a first entry's whole resource, an extension asked of an item, and parts of
# a composite that lie outside of its element.
UNSUPPORTED = ("Bundle.entry[0].resource", "hasExtension(", "%resource.")


class Unknown(Exception):
    """An expression of a shape that nobody compiled yet."""


def alternatives(expression: str, resource_type: str) -> list[str]:
    """The alternatives of an expression that speak of a type (or of every type)."""
    found = [one.strip() for one in expression.split("|")]
    own = (resource_type, "Resource", "DomainResource")
    return [one for one in found if (head := re.match(r"^\(?([A-Z]\w*)", one)) is None or head[1] in own]


def compile_one(alternative: str) -> dict[str, Any] | None:
    """One alternative as the row of a Path; None for what is knowingly left out; Unknown otherwise."""
    if any(one in alternative for one in UNSUPPORTED):
        return None
    if _ROOT.match(alternative):
        return {"steps": []}
    if found := _AS.match(alternative):
        # `.text` behind it: a string search of a concept looks at its words anyway.
        return {"steps": _steps(found["path"]), "type": found["type"]}
    if found := _DOT_AS.match(alternative):
        return {"steps": _steps(found["path"]), "type": found["type"]}
    if found := _RESOLVE.match(alternative):
        return {"steps": _steps(found["path"]), "resolves": found["type"]}
    if found := _EXTENSION.match(alternative):
        return {"steps": [], "extension": ERRATA.get(found["url"], found["url"])}
    if found := _EXISTS.match(alternative):
        return {"steps": _steps(found["path"]), "exists": True}
    return _filtered(alternative)


def _filtered(alternative: str) -> dict[str, Any]:
    if found := _WHERE.match(alternative):
        steps = _steps(found["path"])
        row: dict[str, Any] = {"steps": steps, "where": [found["name"], found["value"]]}
        if found["rest"]:
            return row | {"steps": [*steps, *_steps(found["rest"])], "where_at": len(steps) - 1}
        return row
    if found := _PLAIN.match(alternative):
        return {"steps": _steps(found["path"])}
    raise Unknown(alternative)


def _steps(path: str) -> list[str]:
    return path.split(".")
