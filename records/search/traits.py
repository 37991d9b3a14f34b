"""
What the definitions say of a search parameter beyond its type: what it compares, whether it repeats, what is implied.

https://hl7.org/fhir/R4/search.html#table
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from records.definitions import Element, Path, SearchParameter, definitions, official
from records.search.quantity import RANGED

# References by which a resource is part of another of its type, in a strict hierarchy.
PART_OF = ("partof", "part-of")
MEDIA = "http://hl7.org/fhir/ValueSet/mimetypes"


@lru_cache(maxsize=4096)
def datatypes(parameter: SearchParameter) -> frozenset[str]:
    """The FHIR types that it compares."""
    return frozenset(datatype for path in parameter.paths for datatype in path.datatypes)


def ranged(types: frozenset[str]) -> bool:
    """Whether a value may have two ends."""
    return not types.isdisjoint(RANGED)


@lru_cache(maxsize=4096)
def repeats(resource_type: str, parameter: SearchParameter) -> bool:
    """Whether one resource may have several values."""
    # The types of a choice are paths of their own to one place.
    places = {path.steps for path in parameter.paths}
    return len(places) != 1 or any(_repeats(resource_type, path) for path in parameter.paths)


def _repeats(resource_type: str, path: Path) -> bool:
    steps = list(_elements(resource_type, path))
    return len(steps) != len(path.steps) or not steps or any(one.max != 1 for one in steps)


@lru_cache(maxsize=4096)
def systems(resource_type: str, parameter: SearchParameter) -> frozenset[str] | None:
    """The code systems that its plain codes are of by their bindings; None where the definitions do not say."""
    found: set[str] = set()
    for path in parameter.paths:
        steps = list(_elements(resource_type, path))
        bound = official().value_sets.get(steps[-1].binding.partition("|")[0]) if steps else None
        if not bound:
            return None
        found.update(bound)
    return frozenset(found)


@lru_cache(maxsize=4096)
def is_media(resource_type: str, parameter: SearchParameter) -> bool:
    """Whether its codes are MIME types."""
    ends = [(*_elements(resource_type, path),)[-1:] for path in parameter.paths]
    return bool(ends) and all(end and end[0].binding.partition("|")[0] == MEDIA for end in ends)


def _elements(resource_type: str, path: Path) -> Iterator[Element]:
    """The elements along a path, as far as the structures know them."""
    node = resource_type
    for step in path.steps:
        try:
            known = official().structure(node).elements
        except KeyError:
            return
        found = known.get(step) or next((one for one in known.values() if one.name == step), None)
        if found is None:
            return
        yield found
        node = found.reference or found.node or path.type or (found.types[0].code if found.types else "")


def hierarchy(resource_type: str) -> str:
    """The parameter by which a resource names the one of its own type that it is part of; empty where there is none."""
    known = definitions().search_parameters(resource_type)
    return next((one for one in PART_OF if one in known and resource_type in known[one].targets), "")
