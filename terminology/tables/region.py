"""
The region's own dictionary in the compiled form, with Chinese as the first name of each concept.

https://hl7.org/fhir/R4/codesystem.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from terminology import concepts
from terminology.tables.concept_map import ConceptMap, Group, Target
from terminology.tables.filters import Filter
from terminology.tables.system import Designation, Entry, Hierarchy, Property, System, prefixes
from terminology.tables.value_set import Listed, Part, ValueSet

Json = dict[str, Any]
HAN, ENGLISH = "zh-CN", "en"
_HIERARCHY: Mapping[str, Hierarchy] = {"none": "none", "parent": "tree", "prefix": "prefix"}


def code_system(table: concepts.CodeSystem) -> System:
    """A code system of the dictionary."""
    edition = table.edition
    entries = {one.code: _entry(one, table) for one in table.concepts.values()}
    return System(
        f"region {edition.canonical}", edition.url, entries, edition.release, edition.zh, HAN, table.content,
        hierarchy=_HIERARCHY[table.hierarchy],
    )  # fmt: skip


def _entry(one: concepts.Concept, table: concepts.CodeSystem) -> Entry:
    names = (Designation(one.en, ENGLISH),) if one.en and one.en != one.zh else ()
    parent = one.parent
    if table.hierarchy == "prefix":
        parent = next((code for code in prefixes(one.code) if code in table.concepts), "")
    said = tuple(_properties(one.properties))
    return Entry(one.code, one.zh, (parent,) if parent else (), names, "", said)


def _properties(said: Mapping[str, Any]) -> Iterator[Property]:
    for name, value in said.items():
        for one in value if isinstance(value, list) else [value]:
            # What has parts of its own, a dose with its unit, is told as a text.
            value = " ".join(map(str, one.values())) if isinstance(one, dict) else one
            yield Property(name, _type(value), value)


def _type(value: object) -> str:
    if isinstance(value, bool):
        return "Boolean"
    return "Integer" if isinstance(value, int) else "String"


def value_set(table: concepts.ValueSet) -> ValueSet:
    """A value set of the dictionary; each way in which it takes codes is a part."""
    edition = table.edition
    include = tuple(part for one in table.include for part in _parts(one))
    raw = {
        "resourceType": "ValueSet", "url": edition.url, "version": edition.release, "title": edition.zh,
        "status": "active", "compose": {"include": [_shown(one) for one in include]},
    }  # fmt: skip
    return ValueSet(f"region {edition.canonical}", edition.url, edition.release, edition.zh, HAN, include, raw=raw)


def _parts(one: concepts.Include) -> Iterator[Part]:
    system, _, version = one.system.partition("|")
    if one.codes:
        yield Part(system, version, tuple(Listed(code) for code in one.codes))
    yield from (Part(system, version, filters=(Filter("concept", "is-a", top),)) for top in one.is_a)
    if one.properties:
        equal = tuple(Filter(name, "=", _text(value)) for name, value in one.properties.items())
        yield Part(system, version, filters=equal)
    if not (one.codes or one.is_a or one.properties):
        yield Part(system, version)


def _text(value: object) -> str:
    return Property("", "", value).text


def _shown(part: Part) -> Json:
    shown: Json = {"system": part.system}
    if part.version:
        shown["version"] = part.version
    if part.listed:
        shown["concept"] = [{"code": one.code} for one in part.listed]
    if part.filters:
        shown["filter"] = [{"property": one.property, "op": one.op, "value": one.value} for one in part.filters]
    return shown


def concept_map(table: concepts.ConceptMap) -> ConceptMap:
    """A concept map of the dictionary; one group for each system that it leads to."""
    groups: dict[str, dict[str, tuple[Target, ...]]] = {}
    for code, targets in table.targets.items():
        for one in targets:
            elements = groups.setdefault(one.system, {})
            elements[code] = (*elements.get(code, ()), Target(one.code, one.equivalence))
    edition = table.edition
    return ConceptMap(
        f"region {edition.canonical}", edition.url,
        tuple(Group(table.source_system, system, elements) for system, elements in groups.items()),
        edition.release, edition.zh,
    )  # fmt: skip
