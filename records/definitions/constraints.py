"""
Compile what only `$validate` asks: every invariant of R4's base definitions, and HL7's own profiles and extensions.

https://hl7.org/fhir/R4/conformance-rules.html#constraints, https://hl7.org/fhir/R4/profilelist.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from records.definitions.structures import value_sets

Json = dict[str, Any]
# Repeated in the snapshot of everything that inherits them: kept once, at the type that they belong to.
INHERITED = {"ele": "Element", "ext": "Extension", "dom": "DomainResource"}
KEPT = frozenset(
    {"id", "path", "sliceName", "slicing", "min", "max", "type", "binding", "constraint", "maxLength", "isModifier",
     "contentReference"}
)  # fmt: skip
KEPT_BEGINNINGS = ("fixed", "pattern", "minValue", "maxValue")
ABOUT = ("url", "version", "name", "type", "kind", "baseDefinition", "derivation", "context", "abstract")


def constraints(definitions: Iterable[Json]) -> dict[str, list[list[str]]]:
    """By path of the element they are said of: key, severity, in words, as FHIRPath."""
    known = {one["url"]: one for one in definitions}
    found: dict[str, dict[str, list[str]]] = {}
    for one in known.values():
        if one.get("derivation") == "constraint" or one["kind"] == "logical":
            continue
        for element in one["snapshot"]["element"]:
            for rule in (*element.get("constraint", ()), *_narrowed(element, known)):
                if INHERITED.get(rule["key"].partition("-")[0], element["path"]) == element["path"]:
                    row = [rule["key"], rule["severity"], rule["human"], rule["expression"]]
                    found.setdefault(element["path"], {})[rule["key"]] = row
    return {path: list(rows.values()) for path, rows in sorted(found.items())}


def _narrowed(element: Json, known: Mapping[str, Json]) -> Iterator[Json]:
    """What a datatype's own profile adds where R4 itself asks for it: a SimpleQuantity has no comparator."""
    for kind in element.get("type", ()):
        for url in kind.get("profile", ()) if len(element["type"]) == 1 else ():
            yield from known[url]["differential"]["element"][0].get("constraint", ())


def profiles(package: Mapping[str, Mapping[str, Json]]) -> Json:
    """The profiles and extensions by address, without their words for readers, and the codes that they require."""
    found = {
        url: _bare(one)
        for url, one in sorted(package["StructureDefinition"].items())
        if one.get("derivation") == "constraint" and one["kind"] != "logical"
    }
    names = {name for one in found.values() for name in _required(one)}
    sets = value_sets(names, package["ValueSet"], package["CodeSystem"])
    return {"definitions": found, "value_sets": sets}


def _bare(definition: Json) -> Json:
    about = {name: definition[name] for name in ABOUT if name in definition}
    return about | {"differential": {"element": [_element(one) for one in definition["differential"]["element"]]}}


def _element(element: Json) -> Json:
    kept = {name: value for name, value in element.items() if name in KEPT or name.startswith(KEPT_BEGINNINGS)}
    if "binding" in kept:
        kept["binding"] = {name: kept["binding"].get(name) for name in ("strength", "valueSet")}
    if "constraint" in kept:
        names = ("key", "severity", "human", "expression")
        kept["constraint"] = [{name: one[name] for name in names if name in one} for one in kept["constraint"]]
    return kept


def _required(definition: Json) -> Iterator[str]:
    for element in definition["differential"]["element"]:
        binding = element.get("binding") or {}
        if binding.get("strength") == "required" and binding.get("valueSet"):
            yield binding["valueSet"].partition("|")[0]
