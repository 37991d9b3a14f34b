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


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How one parameter is indexed: it finds nothing where the resource has none of `names`."""

    parameter: SearchParameter
    names: frozenset[str] | None
    find: Finder
    parts: tuple[Part, ...] = ()
    repeated: bool = False


class Plans:
    """The plans of a type by the members that they look at: a resource has few of those that its type may have."""

    def __init__(self, every: Iterable[Plan]) -> None:
        self.every = tuple(every)
        self._always = [plan for plan in self.every if plan.names is None]
        self._by_name: dict[str, list[Plan]] = {}
        for plan in self.every:
            for name in plan.names or ():
                self._by_name.setdefault(name, []).append(plan)

    def of(self, resource: Json) -> Iterable[Plan]:
        """Those that can find something, each once."""
        found = dict.fromkeys(self._always)
        for name in resource.keys() & self._by_name.keys():
            found.update(dict.fromkeys(self._by_name[name]))
        return found


def index(resource: Json) -> Index:
    """Compute the index of a valid resource."""
    keys: dict[str, None] = {}
    sort: dict[str, str] = {}
    references: dict[str, list[str]] = {}
    for plan in plans(resource["resourceType"]).of(resource):
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


def plans(resource_type: str) -> Plans:
    """How each parameter of a type becomes keys: those of the standard, and those that the store at work has added."""
    known = definitions()
    return _extended(known, resource_type) if known.custom(resource_type) else _standard(resource_type)


@cache
def _standard(resource_type: str) -> Plans:
    return Plans(_plans(resource_type, official().search_parameters(resource_type).values()))


@lru_cache(maxsize=256)
def _extended(known: Definitions, resource_type: str) -> Plans:
    return Plans((*_standard(resource_type).every, *_plans(resource_type, known.custom(resource_type))))


def _plans(resource_type: str, known: Iterable[SearchParameter]) -> Iterator[Plan]:
    for one in known:
        if one.code not in OWN_FIELDS and (one.type in KINDS or one.components):
            repeated = one.type == "date" and traits.repeats(resource_type, one)
            yield Plan(one, _names(one), finder(one.paths), composite.parts_of(one), repeated)


def _names(parameter: SearchParameter) -> frozenset[str] | None:
    names = first_names(parameter.paths)
    if names is None and parameter.components and not any(path.steps for path in parameter.paths):
        # A composite of the resource itself finds nothing without its last part.
        return first_names(parameter.components[-1].paths)
    return names


def _contained(resource: Json) -> Iterator[str]:
    """The keys of contained resources, behind the reference that points at each: chains look into them."""
    inside = {f"#{one.get('id')}": one for one in resource["contained"] if "resourceType" in one}
    for plan in plans(resource["resourceType"]).of(resource):
        if plan.parameter.type != "reference":
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

