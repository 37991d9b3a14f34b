"""
What a stored resource is found by: flat search keys, its patients, its labels, and what it is sorted by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, NamedTuple

from records.definitions import Definitions, SearchParameter, definitions, official
from records.search import composite, date, narrative, near, reference, traits
from records.search.composite import SIMPLE, Part
from records.search.extract import Finder, finder, first_names
from records.search.key import PRESENT, inside_of
from records.stored import Json, decode, encode

KINDS = SIMPLE | {"special": near}
# Kept in fields of their own by the store.
OWN_FIELDS = frozenset({"_id", "_lastUpdated"})
# Of meta: what no two versions have in common.
OF_VERSION = frozenset({"versionId", "lastUpdated"})
RECURRING = frozenset({
    "boolean", "canonical", "code", "CodeableConcept", "Coding", "date", "dateTime", "instant", "Period", "Reference",
    "uri",
})  # fmt: skip
# Bytes of a member that is worth being remembered.
LONGEST = 600
MOST_LAYOUTS = 4_096


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

    @property
    def recurs(self) -> bool:
        """Whether it looks at codes, references and times: many resources of a patient, or of a type, say the same."""
        kinds = [{path.type, *path.datatypes} - {""} for path in self.parameter.paths]
        return not self.parts and all(one and one <= RECURRING for one in kinds)


class Plans:
    """The plans of a type, laid out for the members that a resource has: it has few of those that its type may have."""

    def __init__(self, resource_type: str, every: Iterable[Plan]) -> None:
        self.every = tuple(every)
        self._type = resource_type
        self._layouts: dict[tuple[str, ...], Layout] = {}

    def of(self, resource: Json) -> Layout:
        """What is looked for in a resource of these members."""
        names = tuple(resource)
        found = self._layouts.get(names)
        if found is None:
            if len(self._layouts) >= MOST_LAYOUTS:
                self._layouts.clear()
            found = self._layouts[names] = self._lay_out(frozenset(names))
        return found

    def _lay_out(self, names: frozenset[str]) -> Layout:
        plans = [plan for plan in self.every if plan.names is None or plan.names & names]
        alone: dict[str, list[Plan]] = {}
        for plan in plans:
            if plan.recurs and plan.names and len(there := plan.names & names) == 1:
                alone.setdefault(next(iter(there)), []).append(plan)
        elements = tuple(Element(self._type, name, tuple(several)) for name, several in alone.items())
        apart = {plan for several in alone.values() for plan in several}
        return Layout(tuple(plans), elements, tuple(plan for plan in plans if plan not in apart))


class Found(NamedTuple):
    """What plans find: keys, the value that each parameter is sorted by, what references point at."""

    keys: dict[str, None]
    sort: dict[str, str]
    references: dict[str, list[str]]


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """A member that says the same in many resources, and the plans that look at nothing else."""

    resource_type: str
    name: str
    plans: tuple[Plan, ...]

    def find(self, value: Any) -> Found:
        """What is found in this member; not to be changed: others get the same."""
        if self.name == "meta":
            value = {name: one for name, one in value.items() if name not in OF_VERSION}
        member = {self.name: value}
        text = encode(member)
        return _remembered(self, text) if len(text) <= LONGEST else self.compute(member)

    def compute(self, member: Json) -> Found:
        """The same, whatever was found before."""
        return find(self.plans, {"resourceType": self.resource_type, **member})


@lru_cache(maxsize=16_384)
def _remembered(element: Element, text: bytes) -> Found:
    return element.compute(decode(text))


@dataclass(frozen=True, slots=True)
class Layout:
    """Every plan that can find something; and the same as those that look at one recurring member, and the rest."""

    every: tuple[Plan, ...]
    elements: tuple[Element, ...]
    rest: tuple[Plan, ...]


def index(resource: Json) -> Index:
    """Compute the index of a valid resource."""
    layout = plans(resource["resourceType"]).of(resource)
    keys, sort, references = find(layout.rest, resource)
    for element in layout.elements:
        found = element.find(resource[element.name])
        keys.update(found.keys)
        sort.update(found.sort)
        references.update(found.references)
    if "text" in resource:
        keys.update(dict.fromkeys(narrative.keys(resource)))
    if "contained" in resource:
        keys.update(dict.fromkeys(_contained(resource)))
    return Index(tuple(keys), _patients(resource, references), tuple(_labels(resource)), sort)


def find(wanted: Iterable[Plan], resource: Json) -> Found:
    """What these plans find in a resource."""
    keys: dict[str, None] = {}
    sort: dict[str, str] = {}
    references: dict[str, list[str]] = {}
    for plan in wanted:
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
    return Found(keys, sort, references)


def plans(resource_type: str) -> Plans:
    """How each parameter of a type becomes keys: those of the standard, and those that the store at work has added."""
    known = definitions()
    return _extended(known, resource_type) if known.custom(resource_type) else _standard(resource_type)


@cache
def _standard(resource_type: str) -> Plans:
    return Plans(resource_type, _plans(resource_type, official().search_parameters(resource_type).values()))


@lru_cache(maxsize=256)
def _extended(known: Definitions, resource_type: str) -> Plans:
    added = _plans(resource_type, known.custom(resource_type))
    return Plans(resource_type, (*_standard(resource_type).every, *added))


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
    for plan in plans(resource["resourceType"]).of(resource).every:
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
