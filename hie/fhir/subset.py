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
    keep = _elements(asked["_elements"]) if "_elements" in asked else _summary(asked["_summary"], resource)
    return encode(_cut(resource, keep))


def _elements(value: str) -> Keep:
    wanted = {name.strip().rpartition(".")[2] for name in value.split(",")}
    return lambda name: name in wanted


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
