"""
Filling: what the guide's tables say of a segment, and the translators left out, is added to the resource.

Nothing that a translator said is changed. A field that no translator reads is filled as its rows have it; of a field
that one reads, only an element that is not there at all, and none that code decides on (`data/filling.json`).
https://build.fhir.org/ig/HL7/v2-to-fhir/segment_maps.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from adapters.facts import Json, Unmapped
from adapters.hl7v2.mapping import load
from adapters.hl7v2.mapping.executing import Element, assembled, elements
from adapters.hl7v2.mapping.merging import merged
from adapters.hl7v2.mapping.model import Row, Table
from adapters.hl7v2.mapping.scope import Reference, Scope
from adapters.hl7v2.message import Segment
from adapters.hl7v2.site import Site, ZField
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.natives import Conventions
from adapters.hl7v2.to_fhir.tables import data
from adapters.hl7v2.to_fhir.unread import READ

_RULES = data("filling.json")
_WITHHELD: Mapping[str, Mapping[str, str]] = _RULES["withheld"]
_DECIDED = frozenset(_RULES["decided"])
_NEEDS: Mapping[str, str] = _RULES["needs"]
_ELSEWHERE = frozenset(_RULES["codes_elsewhere"])
_ALTERNATE = "http://hl7.org/fhir/StructureDefinition/alternate-codes"
# Data types whose parts come from several fields; any other is one value, and never mixed of two.
_OF_PARTS = frozenset({"Dosage", "Timing", "Meta"})


@dataclass(frozen=True, slots=True)
class Plan:
    """What a segment's tables add to a resource: from fields that nobody else reads, and where something is missing."""

    added: tuple[Element, ...]
    missing: tuple[tuple[str, tuple[int, ...], Element], ...]
    fields: tuple[int, ...]  # those of `added`

    def speaks_of(self, segment: Segment) -> list[int]:
        """The fields of `added` that are valued."""
        fields = segment.fields
        last = len(fields)
        return [at for at in self.fields if at <= last and fields[at - 1]]

    def lacks(self, resource: Json, segment: Segment) -> list[Element]:
        """The elements of `missing` that are not there, though their fields are."""
        fields = segment.fields
        last = len(fields)
        found = []
        # Runs for every segment of every message, and mostly finds nothing.
        for name, sources, element in self.missing:
            if name not in resource:
                for at in sources:
                    if at <= last and fields[at - 1]:
                        found.append(element)
                        break
        return found


def fill(draft: Draft) -> None:
    """Fill every resource whose translator told what segments it was made of."""
    for key, segments in list(draft.told.items()):
        fact = draft.facts.get(key)
        if fact is not None:
            _fill(draft, fact.resource, segments)
    if draft.site.z_fields:
        fill_local(draft)
    if any(one.kind == "code" for one in draft.unmapped):
        keep_codes(draft)


def keep_codes(draft: Draft) -> None:
    """
    An element that takes only FHIR's own codes keeps the code that was sent, and that nobody knows, beside it.

    https://hl7.org/fhir/R4/extension-alternate-codes.html, as the guide has it.
    """
    unknown = {one.location: one for one in draft.unmapped if one.kind == "code" and one.code}
    for key, segments in list(draft.told.items()):
        fact = draft.facts.get(key)
        for segment in segments if fact is not None else ():
            for at, name in code_elements(segment.name, fact.type if fact else ""):
                one = unknown.get(f"{segment.name}-{at}")
                if one is not None and fact is not None and _sent(segment, at, one.code):
                    _beside(fact.resource, name, one)


def _sent(segment: Segment, at: int, code: str) -> bool:
    return any(value[1].strip() == code for value in segment.all(at))


def _beside(resource: Json, name: str, unknown: Unmapped) -> None:
    coding = prune({"system": unknown.system, "code": unknown.code, "display": unknown.display})
    extension = {"url": _ALTERNATE, "valueCodeableConcept": {"coding": [coding]}}
    resource.setdefault(f"_{name}", {}).setdefault("extension", []).append(extension)


@cache
def code_elements(segment: str, resource_type: str) -> tuple[tuple[int, str], ...]:
    """The fields of a segment that go to a code of FHIR's own in the resource, each with the element."""
    tables = [load.table(name) for name in _tables(segment, resource_type)]
    return tuple(
        dict.fromkeys(
            (_at(row), row.element)
            for table in tables
            for row in table.rows
            if row.codes and row.at not in _ELSEWHERE and _is_code(row)
        )
    )


def _is_code(row: Row) -> bool:
    """The whole target is one element of FHIR's own codes."""
    return len(row.steps) == 1 and row.steps[0].type == "code" and not row.steps[0].listed


def local_segments(site: Site) -> frozenset[str]:
    """The segments that only this site's profile knows: what it says nothing of is counted by field."""
    named = {one.segment for one in site.z_fields} | {one.source.name for one in site.moves}
    return frozenset(named - READ.keys())


def fill_local(draft: Draft) -> None:
    """Z segments and other fields of the site's own, into the elements that its profile names."""
    for local in draft.site.z_fields:
        for segment in draft.message.all(local.segment):
            resource = _nearest(draft, local.resource_type, segment.number)
            if resource is not None:
                plan = _local_plan(local)
                _add(draft, resource, plan, plan.speaks_of(segment), Scope(segment))


def _nearest(draft: Draft, resource_type: str, number: int) -> Json | None:
    """The resource of that type whose segments stand last before the place, else the first one of the message."""
    made = [
        (max((segment.number for segment in segments), default=0), fact.resource)
        for key, segments in draft.told.items()
        if segments and (fact := draft.facts.get(key)) is not None and fact.type == resource_type
    ]
    before = [one for one in made if one[0] < number]
    chosen = max(before, key=lambda one: one[0], default=None) or min(made, key=lambda one: one[0], default=None)
    return chosen[1] if chosen else None


@cache
def _local_plan(local: ZField) -> Plan:
    table = Table(f"{local.segment}[{local.resource_type}]", local.resource_type, local.rows, is_segment=True)
    found = tuple(one for one in elements(table, local.rows) if one.name)
    return Plan(found, (), tuple(sorted({at for element in found for at in element.fields if at})))


def _fill(draft: Draft, resource: Json, segments: tuple[Segment, ...]) -> None:
    for segment in segments:
        plan = plan_of(segment.name, resource["resourceType"]) if segment.fields else None
        if plan is None:
            continue
        valued, lacking = plan.speaks_of(segment), plan.lacks(resource, segment)
        if valued or lacking:
            scope = Scope(segment, around={other.name: other for other in reversed(segments)})
            _add(draft, resource, plan, valued, scope)
            _complete(draft, resource, lacking, scope)


def _add(draft: Draft, resource: Json, plan: Plan, valued: Sequence[int], scope: Scope) -> None:
    context = Conventions(draft)
    for element in plan.added if valued else ():
        spoken = set(valued).intersection(element.fields)
        if spoken and _allowed(element, resource) and _put(resource, element, assembled(element, scope, context)):
            draft.filled.update((scope.segment.name, at) for at in spoken)


def _complete(draft: Draft, resource: Json, lacking: Sequence[Element], scope: Scope) -> None:
    for element in lacking:
        if element.name not in resource and _allowed(element, resource):
            # What the translator could not read it has counted already.
            _put(resource, element, assembled(element, scope, Conventions(draft, counts=False)))


@cache
def plan_of(segment: str, resource_type: str) -> Plan | None:
    """The plan for a segment and a resource, None where there is no table."""
    found = [load.table(name) for name in _tables(segment, resource_type)]
    if not found:
        return None
    read = READ.get(segment, frozenset())
    added = tuple(one for table in found for one in elements(table, [r for r in _rows(table) if _at(r) not in read]))
    missing = tuple(one for table in found for one in elements(table, [r for r in _rows(table) if _at(r) in read]))
    spoken = [element for element in added if element.name and element.fields]
    return Plan(
        tuple(spoken),
        tuple(
            (one.name, tuple(at for at in one.fields if at), one)
            for one in missing
            if one.name and one.fields and not _is_decided(resource_type, one.name)
        ),
        tuple(sorted({at for element in spoken for at in element.fields if at})),
    )


def _is_decided(resource_type: str, name: str) -> bool:
    choice = next((one for one in load.choices(resource_type) if name.startswith(one)), "")
    return name in _DECIDED or choice in _DECIDED


def _tables(segment: str, resource_type: str) -> Iterator[str]:
    for name in (f"{segment}[{resource_type}]", f"{segment}[{resource_type}-Own]"):
        if load.known(name) == name:
            yield name


def _rows(table: Table) -> list[Row]:
    withheld = _WITHHELD.get(table.name, {})
    return [row for row in table.rows if row.at not in withheld and row.at.partition("-")[0] == table.source]


def _at(row: Row) -> int:
    return Reference.of(row.at).field


def _allowed(element: Element, resource: Json) -> bool:
    """False where another choice stands already (`effective[x]`), or where R4 wants something beside it."""
    kind = resource["resourceType"]
    needed = _NEEDS.get(f"{kind}.{element.name}")
    return (not needed or needed in resource) and not _taken(kind, element.name, resource)


def _taken(kind: str, name: str, resource: Json) -> bool:
    choice = next((one for one in load.choices(kind) if name.startswith(one)), "")
    return bool(choice) and any(other != name and other.startswith(choice) for other in resource)


def _put(resource: Json, element: Element, made: Json) -> bool:
    """Put an element in its place; False where there is nothing to put or no place for it."""
    done = False
    for name, value in prune(made).items():
        known = resource.get(name)
        if known is None:
            resource[name] = value
        elif isinstance(known, list) and isinstance(value, list):
            resource[name] = _listed(known, value, element)
        elif isinstance(known, dict) and isinstance(value, dict) and _of_parts(element):
            resource[name] = _joined(element.step.type, known, value)
        else:
            continue
        done = True
    return done


def _of_parts(element: Element) -> bool:
    return "." in element.step.type or element.step.type in _OF_PARTS


def _listed(known: list[Any], value: list[Any], element: Element) -> list[Any]:
    """An element without a number is the one that is there; a numbered one is another."""
    if not element.step.instance and _mergeable(element, known, value):
        return [_joined(element.step.type, known[0], value[0]), *known[1:], *value[1:]]
    new = [one for one in value if one not in known]
    return _extended(known, new) if element.name == "extension" else [*known, *new]


def _extended(known: list[Any], new: list[Any]) -> list[Any]:
    """Extensions of one url stand together; stamps of the moment stay last, where every later stamp puts them."""
    urls = {one["url"] for one in known}
    grown = []
    for at, one in enumerate(known):
        grown.append(one)
        if one["url"] not in {other["url"] for other in known[at + 1 :]}:
            grown += [other for other in new if other["url"] == one["url"]]
    return [*(one for one in new if one["url"] not in urls), *grown]


def _mergeable(element: Element, known: list[Any], value: list[Any]) -> bool:
    one_address = element.step.type == "Address" and len(known) == 1
    return bool(known and value) and isinstance(value[0], dict) and (_of_parts(element) or one_address)


def _joined(kind: str, known: Json, value: Json) -> Json:
    """What is there, with the parts that are missing; a choice that is made stays made."""
    kept = {name: inner for name, inner in value.items() if not _taken(kind, name, known)}
    joined: Json = merged(known, kept)
    return joined
