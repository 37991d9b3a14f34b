"""
Part of a resource: `_elements` and `_summary`. The only reads that decode what is stored.

https://hl7.org/fhir/R4/search.html#elements
"""

from __future__ import annotations

from collections.abc import Callable

from hie.fhir.call import Params
from records.definitions import definitions
from records.errors import Invalid
from records.stored import Json, decode, encode

ALWAYS = frozenset({"resourceType", "id", "meta", "implicitRules"})
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}

Keep = Callable[[str], bool]


def shape(text: bytes, params: Params) -> bytes:
    """The stored text, cut to what was asked; untouched where nothing was."""
    asked = {name: value for name, value in params if name in ("_elements", "_summary")}
    if not asked or asked.get("_summary") == "false":
        return text
    resource = decode(text)
    if "_elements" in asked:
        return encode(_cut(resource, _elements(asked["_elements"], resource)))
    cut = _cut(resource, _summary(asked["_summary"], resource))
    return encode(_in_summary(cut, resource["resourceType"]) if asked["_summary"] == "true" else cut)


def _elements(value: str, resource: Json) -> Keep:
    """Those that are named, a choice by its base name too, and those that must be there."""
    kind = resource["resourceType"]
    named = (one.strip().rpartition(".") for one in value.split(","))
    wanted = {name for of, _, name in named if of in ("", kind)}
    known = definitions().structure(kind).elements

    def keep(name: str) -> bool:
        element = known.get(name)
        return name in wanted or (element is not None and (element.name in wanted or element.min > 0))

    return keep


def _in_summary(node: Json, name: str) -> Json:
    """The same with what is in the summary alone in its inner elements."""
    known = definitions().structure(name).elements
    found = dict(node)
    for member, value in node.items():
        element = known.get(member)
        inner = (element.reference or element.node) if element else ""
        if not inner:
            continue
        parts = [_in_summary(_inner(one, inner), inner) for one in (value if isinstance(value, list) else [value])]
        found[member] = parts if isinstance(value, list) else parts[0]
    return found


def _inner(value: Json, name: str) -> Json:
    structure = definitions().structure(name)
    kept = {one: inner for one, inner in value.items() if structure.in_summary(one.removeprefix("_"))}
    # Nothing may be empty: what has no part in the summary is shown whole.
    return kept or value


def _summary(value: str, resource: Json) -> Keep:
    structure = definitions().structure(resource["resourceType"])
    match value:
        case "true":
            return lambda name: structure.in_summary(name)
        case "text":
            return lambda name: name == "text" or structure.is_mandatory(name)
        case "data":
            return lambda name: name != "text"
        case _:
            raise Invalid("_summary is one of true, text, data, count, false.", status=400)


def _cut(resource: Json, keep: Keep) -> Json:
    cut = {name: value for name, value in resource.items() if name in ALWAYS or keep(name.removeprefix("_"))}
    meta = dict(cut.get("meta", {}))
    meta["tag"] = [*meta.get("tag", []), SUBSETTED]
    return cut | {"meta": meta}
