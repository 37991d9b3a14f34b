"""
Compile StructureDefinitions to nodes and elements, and the value sets of required bindings to their codes.

https://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]
BASE = "http://hl7.org/fhir/StructureDefinition/"
FHIR_TYPE = BASE + "structuredefinition-fhir-type"
REGEX = BASE + "regex"
ABSTRACT_NODES = frozenset({"BackboneElement", "Element"})
# Listed by their definitions, though not by their compose: too wide to be a list.
OPEN_SYSTEMS = frozenset({"urn:ietf:bcp:47", "urn:ietf:bcp:13", "urn:iso:std:iso:4217"})


def structures(definitions: Iterable[Json]) -> dict[str, Any]:
    """Every resource, datatype and node by name; profiles and logical models are left out."""
    found: dict[str, Any] = {}
    for one in definitions:
        if one.get("derivation") == "constraint" or one["kind"] == "logical":
            continue
        found |= _nodes(one)
    return dict(sorted(found.items()))


def _nodes(definition: Json) -> dict[str, Any]:
    name = definition["type"]
    kind = definition["kind"] if not definition.get("abstract") else "abstract"
    nodes: dict[str, Any] = {name: {"kind": kind}}
    for element in definition["snapshot"]["element"][1:]:
        parent, _, last = element["path"].rpartition(".")
        row = _element(element, last)
        nodes.setdefault(parent, {"kind": "node"}).setdefault("elements", []).append(row)
        if kind == "primitive-type" and last == "value" and (regex := _regex(element)):
            nodes[name]["regex"] = regex
    return nodes


def _element(element: Json, last: str) -> Json:
    row: Json = {"name": last.removesuffix("[x]")}
    if element["min"]:
        row["min"] = element["min"]
    if element["max"] != "1":
        row["max"] = 0 if element["max"] == "*" else int(element["max"])
    if last.endswith("[x]"):
        row["choice"] = True
    if element.get("isSummary"):
        row["summary"] = True
    if "contentReference" in element:
        row["reference"] = element["contentReference"].removeprefix("#")
    types = [_type(one) for one in element.get("type", ())]
    if types and types[0][0] in ABSTRACT_NODES:
        row["node"] = element["path"]
    if types:
        row["types"] = types
    binding = element.get("binding", {})
    if binding.get("strength") == "required":
        row["binding"] = binding["valueSet"].partition("|")[0]
    return row


def _type(found: Json) -> list[str]:
    code = found["code"]
    if code.startswith("http://hl7.org/fhirpath/"):
        # Ids and values of primitives are FHIRPath's own types; an extension names the FHIR one.
        named = [one["valueUrl"] for one in found.get("extension", ()) if one["url"] == FHIR_TYPE]
        code = named[0] if named else "string"
    targets = [one.removeprefix(BASE) for one in found.get("targetProfile", ()) if one.startswith(BASE)]
    return [code, *sorted(one for one in targets if one != "Resource")] if "Resource" not in targets else [code]


def _regex(element: Json) -> str:
    for kind in element.get("type", ()):
        for one in kind.get("extension", ()):
            if one["url"] == REGEX:
                return str(one["valueString"])
    return ""


def value_sets(names: Iterable[str], sets: Mapping[str, Json], systems: Mapping[str, Json]) -> dict[str, Any]:
    """Codes by system of those value sets that list them all; the others are left to a terminology service."""
    found: dict[str, Any] = {}
    for name in sorted(set(names)):
        codes: dict[str, set[str]] = {}
        if name in sets and _expand(sets[name], sets, systems, codes):
            found[name] = {system: sorted(one) for system, one in sorted(codes.items())}
    return found


def _expand(one: Json, sets: Mapping[str, Json], systems: Mapping[str, Json], codes: dict[str, set[str]]) -> bool:
    compose = one.get("compose", {})
    if compose.get("exclude") or not compose.get("include"):
        return False
    return all(_include(include, sets, systems, codes) for include in compose["include"])


def _include(include: Json, sets: Mapping[str, Json], systems: Mapping[str, Json], codes: dict[str, set[str]]) -> bool:
    if include.get("filter"):
        return False
    for name in include.get("valueSet", ()):
        inner = sets.get(name.partition("|")[0])
        if inner is None or not _expand(inner, sets, systems, codes):
            return False
    system = include.get("system")
    if system is None:
        return True
    if "concept" in include:
        codes.setdefault(system, set()).update(concept["code"] for concept in include["concept"])
        return system not in OPEN_SYSTEMS or len(include["concept"]) > 0
    known = systems.get(system)
    if known is None or known.get("content") != "complete":
        return False
    codes.setdefault(system, set()).update(_codes(known.get("concept", ())))
    return True


def _codes(concepts: Iterable[Json]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _codes(concept.get("concept", ()))
