"""
What a stored resource is found by: flat search keys, its patients, its labels, and what it is sorted by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache

from records.definitions import Definitions, SearchParameter, definitions, official
from records.search import composite, date, narrative, near, reference, traits
from records.search.composite import SIMPLE, Part
from records.search.extract import Finder, finder, first_names
from records.search.key import PRESENT, inside_of
from records.stored import Json

KINDS = SIMPLE | {"special": near}
# Kept in fields of their own by the store.
OWN_FIELDS = frozenset({"_id", "_lastUpdated"})


@dataclass(frozen=True, slots=True)
class Index:
    """
    `keys` answer searches; `patients` are source Patient ids whose compartment it is in; `labels` are its security
    labels "system|code"; `sort` has one comparable text a parameter.
    """

    keys: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    sort: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """How one parameter is indexed: skipped where the resource has none of `names`."""

    parameter: SearchParameter
    names: frozenset[str] | None
    find: Finder
    parts: tuple[Part, ...] = ()
    repeated: bool = False


def index(resource: Json) -> Index:
    """Compute the index of a valid resource."""
    keys: dict[str, None] = {}
    sort: dict[str, str] = {}
    references: dict[str, list[str]] = {}
    present = resource.keys()
    for plan in plans(resource["resourceType"]):
        if plan.names is not None and present.isdisjoint(plan.names):
            continue
        code = plan.parameter.code
        for found in plan.find(resource):
            if plan.parts:
                keys.update(dict.fromkeys(composite.keys(code, plan.parts, found.value)))
                continue
            kind = KINDS[plan.parameter.type]
            made = kind.keys(code, found)
            keys.update(dict.fromkeys(made or (code + PRESENT,)))
            if plan.repeated:
                keys.update(dict.fromkeys(date.repeated_keys(code, found)))
            if code not in sort and (value := kind.sort_value(found)) is not None:
                sort[code] = value
            if kind is reference:
                references.setdefault(code, []).extend(reference.targets(found))
    if "text" in resource:
        keys.update(dict.fromkeys(narrative.keys(resource)))
    if "contained" in resource:
        keys.update(dict.fromkeys(_contained(resource)))
    return Index(tuple(keys), _patients(resource, references), tuple(_labels(resource)), sort)


def plans(resource_type: str) -> tuple[Plan, ...]:
    """How each parameter of a type becomes keys: those of the standard, and those that the store at work has added."""
    known = definitions()
    return _extended(known, resource_type) if known.custom(resource_type) else _standard(resource_type)


@cache
def _standard(resource_type: str) -> tuple[Plan, ...]:
    return _plans(resource_type, official().search_parameters(resource_type).values())


@lru_cache(maxsize=256)
def _extended(known: Definitions, resource_type: str) -> tuple[Plan, ...]:
    return (*_standard(resource_type), *_plans(resource_type, known.custom(resource_type)))


def _plans(resource_type: str, known: Iterable[SearchParameter]) -> tuple[Plan, ...]:
    return tuple(
        Plan(
            one, first_names(one.paths), finder(one.paths), composite.parts_of(one),
            one.type == "date" and traits.repeats(resource_type, one),
        )
        for one in known
        if one.code not in OWN_FIELDS and (one.type in KINDS or one.components)
    )


def _contained(resource: Json) -> Iterator[str]:
    """The keys of contained resources, behind the reference that points at each: chains look into them."""
    inside = {f"#{one.get('id')}": one for one in resource["contained"] if "resourceType" in one}
    for plan in plans(resource["resourceType"]):
        if plan.parameter.type != "reference" or (plan.names and plan.names.isdisjoint(resource)):
            continue
        for found in plan.find(resource):
            named = found.value.get("reference") if isinstance(found.value, dict) else None
            if (one := inside.get(named or "")) is None or one["resourceType"] not in plan.parameter.targets:
                continue
            before = inside_of(plan.parameter.code, one["resourceType"])
            yield from (before + key for key in index({**one, "contained": []}).keys)


def _patients(resource: Json, references: dict[str, list[str]]) -> tuple[str, ...]:
    # A Patient is in its own compartment alone: another one it links to is another record until identity says so.
    if resource["resourceType"] == "Patient":
        return (resource["id"],) if "id" in resource else ()
    if resource["resourceType"] == "Bundle":
        return _of_document(resource)
    codes = definitions().compartment("Patient").get(resource["resourceType"], ())
    found = (one for code in codes for one in references.get(code, ()))
    return tuple(dict.fromkeys(one.removeprefix("Patient/") for one in found if one.startswith("Patient/")))


def _of_document(bundle: Json) -> tuple[str, ...]:
    # A document is in the record that its Composition is in: who may not see the one must not see the other.
    first = next((one.get("resource") for one in bundle.get("entry", ())), None)
    return index(first).patients if first and bundle.get("type") == "document" else ()


def _labels(resource: Json) -> Iterator[str]:
    for label in resource.get("meta", {}).get("security", ()):
        yield f"{label.get('system', '')}|{label.get('code', '')}"

