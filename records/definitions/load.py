"""
Loads the compiled definitions, each part when it is first asked for.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from records.definitions.model import Component, Element, Path, SearchParameter, Structure, Target

# Set while a store with parameters of its own is at work; see records.search.custom.
IN_FORCE: ContextVar[Definitions | None] = ContextVar("definitions", default=None)


def definitions() -> Definitions:
    """The definitions in force here: those of R4, with what the store at work has beyond them."""
    return IN_FORCE.get() or official()


@cache
def official() -> Definitions:
    """The definitions of R4 alone, one for the process."""
    return Definitions()


def read(name: str) -> Any:
    """The data file of that name."""
    packed = files("records.definitions").joinpath("data", f"{name}.json.xz").read_bytes()
    return json.loads(lzma.decompress(packed))


class Definitions:
    """
    What the official package says, for the types that this server offers.

    `generation` numbers what resources are indexed by; it is 0 where nobody counts.
    """

    generation = 0

    @cached_property
    def _search(self) -> dict[str, Any]:
        found: dict[str, Any] = read("search")
        return found

    @cached_property
    def _structures(self) -> dict[str, Any]:
        found: dict[str, Any] = read("structures")
        return found

    @cached_property
    def resource_types(self) -> frozenset[str]:
        """The types that are stored and served."""
        return frozenset(self._search["offered"])

    @cached_property
    def value_sets(self) -> Mapping[str, Mapping[str, frozenset[str]]]:
        """Codes of the required bindings that list all their codes: by value set, by system."""
        found = read("value_sets")
        return {url: {system: frozenset(codes) for system, codes in one.items()} for url, one in found.items()}

    def structure(self, name: str) -> Structure:
        """A resource type, a datatype, or a node ("Observation.component"); KeyError where there is none."""
        return _structure(name)

    def is_resource(self, name: str) -> bool:
        """Whether R4 has a concrete resource type of that name, offered or not."""
        found = self._structures.get(name)
        return found is not None and found["kind"] == "resource"

    def search_parameters(self, resource_type: str) -> Mapping[str, SearchParameter]:
        """The parameters of a type by their code."""
        return _parameters(resource_type)

    def custom(self, _resource_type: str) -> tuple[SearchParameter, ...]:
        """Parameters beyond the standard that a type is indexed by, whether or not they are answered yet."""
        return ()

    def unanswered(self, _resource_type: str) -> Mapping[str, str]:
        """By code: why a parameter that is known is not answered now."""
        return {}

    def includes(self, resource_type: str) -> tuple[str, ...]:
        """`Observation:subject` for each reference parameter of the type."""
        return _includes(resource_type)

    def reverse_includes(self, resource_type: str) -> tuple[str, ...]:
        """`Observation:subject` of every type that can point at this one."""
        return _reverse_includes(resource_type)

    def compartment(self, name: str) -> Mapping[str, tuple[str, ...]]:
        """Search parameters by resource type that put a resource into a compartment."""
        return _compartment(name)


@cache
def _compartment(name: str) -> Mapping[str, tuple[str, ...]]:
    return {kind: tuple(codes) for kind, codes in official()._search["compartments"][name].items()}


@cache
def _parameters(resource_type: str) -> Mapping[str, SearchParameter]:
    found = official()._search["parameters"].get(resource_type, {})
    return {code: _parameter(code, row) for code, row in found.items()}


def _parameter(code: str, row: Mapping[str, Any]) -> SearchParameter:
    components = tuple(
        Component(one["definition"], one["code"], one["type"], tuple(map(_path, one["paths"])))
        for one in row.get("components", ())
    )
    paths = tuple(map(_path, row.get("paths", ())))
    return SearchParameter(code, row["type"], row["url"], paths, tuple(row.get("targets", ())), components)


def _path(row: Mapping[str, Any]) -> Path:
    where = row.get("where")
    return Path(
        tuple(row["steps"]),
        row.get("type", ""),
        (where[0], where[1]) if where else None,
        row.get("where_at", -1),
        row.get("resolves", ""),
        row.get("extension", ""),
        row.get("exists", False),
        tuple(row.get("datatypes", ())),
    )


@cache
def _includes(resource_type: str) -> tuple[str, ...]:
    known = _parameters(resource_type).values()
    return tuple(f"{resource_type}:{one.code}" for one in known if one.type == "reference")


@cache
def _reverse_includes(resource_type: str) -> tuple[str, ...]:
    return tuple(
        f"{source}:{one.code}"
        for source in sorted(official().resource_types)
        for one in _parameters(source).values()
        if one.type == "reference" and resource_type in one.targets
    )


@cache
def _structure(name: str) -> Structure:
    row = official()._structures[name]
    elements: dict[str, Element] = {}
    for one in row.get("elements", ()):
        element = _element(one)
        if not element.choice:
            elements[element.name] = element
        else:
            for target in element.types:
                elements[element.name + target.code[0].upper() + target.code[1:]] = element
    return Structure(name, row["kind"], elements, row.get("regex", ""))


def _element(row: Mapping[str, Any]) -> Element:
    types = tuple(Target(one[0], frozenset(one[1:])) for one in row.get("types", ()))
    return Element(
        row["name"], row.get("min", 0), row.get("max", 1), types, row.get("binding", ""), row.get("reference", ""),
        row.get("summary", False), row.get("choice", False), row.get("node", ""),
    )  # fmt: skip
