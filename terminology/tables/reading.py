"""
From FHIR resources to compiled tables; what is read was validated before, or comes from the package.

https://hl7.org/fhir/R4/codesystem.html, https://hl7.org/fhir/R4/valueset.html, https://hl7.org/fhir/R4/conceptmap.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from terminology.tables.concept_map import ConceptMap, Dependency, Group, Target, Unmapped
from terminology.tables.filters import Filter
from terminology.tables.system import Designation, Entry, Property, System
from terminology.tables.value_set import Contained, Listed, Part, ValueSet

Json = dict[str, Any]
# How a code system says that a concept is not to be used, or only for grouping.
INACTIVE_STATUS = frozenset({"retired", "deprecated", "withdrawn", "inactive"})
ABSTRACT = frozenset({"abstract", "notSelectable"})


def code_system(raw: Json, key: str) -> System:
    """A CodeSystem; one of which only a part is here is a fragment."""
    entries: dict[str, Entry] = {}
    for one, parent in _walk(raw.get("concept", ()), ""):
        entry = _entry(one, parent)
        known = entries.get(entry.code)
        entries[entry.code] = replace(known, parents=(*known.parents, *entry.parents)) if known else entry
    return System(
        key, str(raw.get("url", "")), _linked(entries), str(raw.get("version", "")),
        str(raw.get("title") or raw.get("name") or ""), str(raw.get("language", "")),
        "complete" if raw.get("content", "complete") == "complete" else "fragment",
        raw.get("caseSensitive") is not False,
        "tree" if any(one.parents for one in entries.values()) or _has_children(entries) else "none",
    )  # fmt: skip


def _walk(concepts: Iterable[Json], parent: str) -> Iterator[tuple[Json, str]]:
    for one in concepts:
        yield one, parent
        yield from _walk(one.get("concept", ()), str(one.get("code", "")))


def _entry(one: Json, parent: str) -> Entry:
    said = tuple(_properties(one))
    named = [one.text for one in said if one.code in ("parent", "subsumedBy")]
    flags = {one.code: one.text for one in said}
    parents = tuple(dict.fromkeys(one for one in (parent, *named) if one))
    return Entry(
        str(one.get("code", "")), str(one.get("display", "")), parents,
        _designations(one), str(one.get("definition", "")), said,
        any(flags.get(name) == "true" for name in ABSTRACT),
        flags.get("inactive") == "true" or flags.get("status", "").lower() in INACTIVE_STATUS,
    )  # fmt: skip


def _properties(one: Json) -> Iterator[Property]:
    for said in one.get("property", ()):
        for name, value in said.items():
            if name.startswith("value"):
                yield Property(str(said.get("code", "")), name.removeprefix("value"), value)


def _designations(one: Json) -> tuple[Designation, ...]:
    return tuple(
        Designation(str(name["value"]), str(name.get("language", "")), name.get("use"))
        for name in one.get("designation", ())
        if "value" in name
    )


def _has_children(entries: dict[str, Entry]) -> bool:
    return any(said.code == "child" for one in entries.values() for said in one.properties)


def _linked(entries: dict[str, Entry]) -> dict[str, Entry]:
    """A concept may name its children instead of standing around them."""
    for one in [*entries.values()]:
        for said in one.properties:
            child = entries.get(said.text) if said.code == "child" else None
            if child is not None and one.code not in child.parents:
                entries[child.code] = replace(child, parents=(*child.parents, one.code))
    return entries


def supplemented(system: System, more: System) -> System:
    """The system with the names and properties of another table about its codes; no code is added."""
    entries = dict(system.entries)
    for code, added in more.entries.items():
        if known := entries.get(code):
            own = (Designation(added.display, more.language),) if added.display not in (*known.names, "") else ()
            names = (*known.designations, *own, *(one for one in added.designations if one.value not in known.names))
            entries[code] = replace(known, designations=names, properties=(*known.properties, *added.properties))
    return replace(system, key=f"{system.key}+{more.key}", entries=entries, selected={})


def value_set(raw: Json, key: str) -> ValueSet:
    """A ValueSet."""
    compose, expansion = raw.get("compose") or {}, raw.get("expansion") or {}
    contained = tuple(_contained(expansion.get("contains", ())))
    return ValueSet(
        key, str(raw.get("url", "")), str(raw.get("version", "")), str(raw.get("title") or raw.get("name") or ""),
        str(raw.get("language", "")),
        tuple(map(_part, compose.get("include", ()))), tuple(map(_part, compose.get("exclude", ()))),
        compose.get("inactive") is not False,
        contained, expansion.get("total", len(contained)) <= len(contained), raw,
    )  # fmt: skip


def _part(raw: Json) -> Part:
    listed = tuple(_listed(one) for one in raw.get("concept", ()))
    filters = tuple(Filter(str(one["property"]), str(one["op"]), str(one["value"])) for one in raw.get("filter", ()))
    sets = tuple(str(one) for one in raw.get("valueSet", ()))
    return Part(str(raw.get("system", "")), str(raw.get("version", "")), listed, filters, sets)


def _listed(raw: Json) -> Listed:
    return Listed(str(raw.get("code", "")), str(raw.get("display", "")), _designations(raw))


def _contained(found: Iterable[Json]) -> Iterator[Contained]:
    for one in found:
        if "code" in one:
            yield Contained(
                str(one.get("system", "")), _listed(one), str(one.get("version", "")),
                one.get("abstract") is True, one.get("inactive") is True,
            )  # fmt: skip
        yield from _contained(one.get("contains", ()))


def concept_map(raw: Json, key: str) -> ConceptMap:
    """A ConceptMap."""
    return ConceptMap(
        key, str(raw.get("url", "")), tuple(_group(one) for one in raw.get("group", ())), str(raw.get("version", "")),
        str(raw.get("title") or raw.get("name") or ""),
        str(raw.get("sourceCanonical") or raw.get("sourceUri") or ""),
        str(raw.get("targetCanonical") or raw.get("targetUri") or ""),
    )  # fmt: skip


def _group(raw: Json) -> Group:
    elements: dict[str, tuple[Target, ...]] = {}
    for one in raw.get("element", ()):
        code = str(one.get("code", ""))
        elements[code] = (*elements.get(code, ()), *(_target(target) for target in one.get("target", ())))
    other = raw.get("unmapped") or {}
    unmapped = Unmapped(other.get("mode", ""), str(other.get("code", "")), str(other.get("display", "")),
                        str(other.get("url", "")))  # fmt: skip
    return Group(
        str(raw.get("source", "")), str(raw.get("target", "")), elements, str(raw.get("sourceVersion", "")),
        str(raw.get("targetVersion", "")), unmapped,
    )  # fmt: skip


def _target(raw: Json) -> Target:
    return Target(
        str(raw.get("code", "")), str(raw.get("equivalence", "")), str(raw.get("display", "")),
        str(raw.get("comment", "")), _dependencies(raw.get("dependsOn", ())), _dependencies(raw.get("product", ())),
    )  # fmt: skip


def _dependencies(found: Iterable[Json]) -> tuple[Dependency, ...]:
    return tuple(
        Dependency(str(one.get("property", "")), str(one.get("value", "")), str(one.get("system", "")),
                   str(one.get("display", "")))
        for one in found
    )  # fmt: skip
