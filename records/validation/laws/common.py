"""
Laws of datatypes, and of every resource that can contain others.

https://hl7.org/fhir/R4/datatypes.html, https://hl7.org/fhir/R4/domainresource.html#invs
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from records.stored import Json
from records.validation.laws.asking import any_of, has, in_order, needs, not_both
from records.validation.walk import Law

UCUM = "http://unitsofmeasure.org"
MEALS = frozenset({"C", "CM", "CD", "CV"})


def _extension(node: Json) -> bool:
    # By far the most frequent object: asked without looking for the name of a type.
    for name in node:
        if name.startswith(("value", "_value")):
            return "extension" not in node
    return "extension" in node


def _measure(node: Json) -> bool:
    return ("code" in node or "value" not in node) and node.get("system", UCUM) == UCUM


def _duration(node: Json) -> bool:
    return "code" not in node or (node.get("system") == UCUM and "value" in node)


def _range(node: Json) -> bool:
    low, high = node.get("low", {}), node.get("high", {})
    if "value" not in low or "value" not in high or low.get("unit") != high.get("unit"):
        return True
    return low.get("code") != high.get("code") or bool(low["value"] <= high["value"])


def _ratio(node: Json) -> bool:
    whole = "numerator" in node and "denominator" in node
    return whole or ("numerator" not in node and "denominator" not in node and "extension" in node)


def _offset(node: Json) -> bool:
    return not has(node, "offset") or ("when" in node and MEALS.isdisjoint(node["when"]))


def _positive(name: str) -> Law:
    key = {"duration": "tim-4", "period": "tim-5"}[name]
    return Law(key, f"A {name} is not negative.", lambda node: name not in node or node[name] >= 0)


QUANTITY = Law("qty-3", "A code for the unit needs its system.", needs("code", "system"))
MEASURE = "A value needs the code of its unit, in UCUM."

DATATYPES: dict[str, tuple[Law, ...]] = {
    "Extension": (Law("ext-1", "An extension has either a value or extensions.", _extension),),
    "Period": (Law("per-1", "A period does not end before it starts.",
                   lambda node: in_order(node.get("start"), node.get("end"))),),
    "Quantity": (QUANTITY,),
    "Age": (QUANTITY, Law("age-1", MEASURE, _measure)),
    "Distance": (QUANTITY, Law("dis-1", MEASURE, _measure)),
    "Duration": (QUANTITY, Law("drt-1", "A code for the unit is one of UCUM, with a value.", _duration)),
    "Count": (QUANTITY,),
    "Range": (Law("rng-2", "Low is not above high.", _range),),
    "Ratio": (Law("rat-1", "A ratio has both of its parts.", _ratio),),
    "ContactPoint": (Law("cpt-2", "A value needs a system.", needs("value", "system")),),
    "Attachment": (Law("att-1", "Data needs a contentType.", needs("data", "contentType")),),
    "Expression": (Law("exp-1", "An expression or a reference to one must be there.",
                       any_of("expression", "reference")),),
    "Timing.repeat": (
        Law("tim-1", "A duration needs its unit.", needs("duration", "durationUnit")),
        Law("tim-2", "A period needs its unit.", needs("period", "periodUnit")),
        _positive("duration"),
        _positive("period"),
        Law("tim-6", "periodMax needs a period.", needs("periodMax", "period")),
        Law("tim-7", "durationMax needs a duration.", needs("durationMax", "duration")),
        Law("tim-8", "countMax needs a count.", needs("countMax", "count")),
        Law("tim-9", "An offset needs an event that is not a meal itself.", _offset),
        Law("tim-10", "Either times of day or events.", not_both("timeOfDay", "when")),
    ),
}  # fmt: skip


def _inside(node: Json) -> list[Json]:
    found: list[Json] = node.get("contained", [])
    return found


def _used(node: Json) -> bool:
    if "contained" not in node:
        return True
    used = set(_local(node))
    return all(f"#{one.get('id')}" in used or "#" in set(_local(one)) for one in _inside(node))


def _local(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.startswith("#"):
            yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _local(one)


def _without_meta(*names: str) -> Any:
    return lambda node: all(name not in one.get("meta", ()) for one in _inside(node) for name in names)


DOMAIN_RESOURCE = (
    Law("dom-3", "What is contained is referred to.", _used),
    Law("dom-4", "A contained resource has no version and no last update.",
        _without_meta("versionId", "lastUpdated")),
    Law("dom-5", "A contained resource has no security label.", _without_meta("security")),
)  # fmt: skip
