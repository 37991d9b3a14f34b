"""
What a stored resource is found by: flat search keys, its patients, its labels, and what it is sorted by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from records.definitions import SearchParameter, definitions
from records.search import composite, reference
from records.search.composite import SIMPLE
from records.search.extract import values
from records.search.key import PRESENT
from records.stored import Json

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


def index(resource: Json) -> Index:
    """Compute the index of a valid resource."""
    keys: dict[str, None] = {}
    sort: dict[str, str] = {}
    references: dict[str, list[str]] = {}
    kind = resource["resourceType"]
    for parameter in indexed(kind):
        if parameter.type == "composite":
            keys.update(dict.fromkeys(composite.keys(parameter, parameter.components, resource)))
            continue
        for found in values(resource, parameter.paths):
            keys.update(dict.fromkeys(SIMPLE[parameter.type].keys(parameter.code, found)))
            keys[parameter.code + PRESENT] = None
            if parameter.code not in sort and (value := SIMPLE[parameter.type].sort_value(found)) is not None:
                sort[parameter.code] = value
            if parameter.type == "reference":
                references.setdefault(parameter.code, []).extend(reference.targets(found))
    return Index(tuple(keys), _patients(resource, references), tuple(_labels(resource)), sort)


@cache
def indexed(resource_type: str) -> tuple[SearchParameter, ...]:
    """The parameters of a type that become keys."""
    known = definitions().search_parameters(resource_type).values()
    return tuple(one for one in known if one.code not in OWN_FIELDS and (one.type in SIMPLE or _composite(one)))


def _composite(parameter: SearchParameter) -> bool:
    return parameter.type == "composite" and bool(parameter.components)


def _patients(resource: Json, references: dict[str, list[str]]) -> tuple[str, ...]:
    # A Patient is in its own compartment alone: another one it links to is another record until identity says so.
    if resource["resourceType"] == "Patient":
        return (resource["id"],) if "id" in resource else ()
    codes = definitions().compartment("Patient").get(resource["resourceType"], ())
    found = (one for code in codes for one in references.get(code, ()))
    return tuple(dict.fromkeys(one.removeprefix("Patient/") for one in found if one.startswith("Patient/")))


def _labels(resource: Json) -> Iterator[str]:
    for label in resource.get("meta", {}).get("security", ()):
        yield f"{label.get('system', '')}|{label.get('code', '')}"


__all__ = ["Index", "index", "indexed"]
