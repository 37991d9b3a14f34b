"""
What became of each field of a message: the element that it went to, as far as the tables know, or that it was kept.

Computed from the message, the profile and the translation whenever somebody asks; it holds no word of the content.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from adapters.facts import Fact, Translation, Unmapped
from adapters.hl7v2.mapping import load
from adapters.hl7v2.mapping.model import Row, Table
from adapters.hl7v2.mapping.scope import Reference
from adapters.hl7v2.message import Message, Segment
from adapters.hl7v2.site import FieldMove, Site
from adapters.hl7v2.to_fhir.unread import ENVELOPE

State = Literal["mapped", "kept", "moved", "envelope"]


@dataclass(frozen=True, slots=True)
class Line:
    """
    One field that was sent.

    `elements` it went to ("Patient.name"); none where a translator reads it for a decision or an id. `codes` of it
    that nobody knows: (system, code). `times` it stands in the message.
    """

    location: str
    name: str
    state: State
    elements: tuple[str, ...] = ()
    codes: tuple[tuple[str, str], ...] = ()
    times: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """A message, field by field, in its order; `translated` False: all of it was kept, and nothing asserted."""

    type: str
    translated: bool
    lines: tuple[Line, ...]
    remarks: tuple[str, ...] = ()

    def kept(self) -> tuple[Line, ...]:
        """What was not translated."""
        return tuple(line for line in self.lines if line.state == "kept")


def report(message: Message, site: Site, translation: Translation) -> Report:
    """The report of a message as it was parsed, before it was prepared."""
    known = _Known(site, translation)
    fields: dict[tuple[str, int], int] = {}
    for segment in message.segments:
        for at in _valued(segment):
            fields[segment.name, at] = fields.get((segment.name, at), 0) + 1
    lines = tuple(known.line(name, at, times) for (name, at), times in fields.items())
    return Report(message.type, translation.translated, lines, translation.remarks)


def _valued(segment: Segment) -> Iterator[int]:
    return (at for at, field in enumerate(segment.fields, start=1) if field and segment.all(at))


class _Known:
    """What can be said of fields, by the outcome of one translation."""

    def __init__(self, site: Site, translation: Translation) -> None:
        self._unmapped = _by_location(translation.unmapped)
        self._elements = _present(translation.facts)
        self._translated = translation.translated
        self._local = _local(site)
        self._moved = {place for move in site.moves if (place := _left(move)) is not None}

    def line(self, name: str, at: int, times: int) -> Line:
        """The line of a field."""
        location = f"{name}-{at}"
        parts = self._unmapped.get(location, ())
        codes = tuple((one.system, one.code) for one in parts if one.kind == "code")
        state = self._state(name, at, parts)
        elements = self._targets(name, at) if state == "mapped" else ()
        return Line(location, load.field_name(location), state, elements, codes, times)

    def _state(self, name: str, at: int, parts: Sequence[Unmapped]) -> State:
        if name in ENVELOPE:
            return "envelope"
        if (name, at) in self._moved:
            return "moved"
        unread = name in self._unmapped or any(one.kind == "field" for one in parts)
        return "kept" if unread or not self._translated else "mapped"

    def _targets(self, name: str, at: int) -> tuple[str, ...]:
        found = [
            element
            for resource_type, present in self._elements.items()
            for first, element in targets(name, at, resource_type)
            if first in present
        ]
        return tuple(dict.fromkeys((*found, *self._local.get((name, at), ()))))


def _left(move: FieldMove) -> tuple[str, int] | None:
    """The field that a move leaves empty: not one that is kept, nor one that is divided into its own parts."""
    place = (move.source.name, move.source.field)
    stays = move.keep or any((one.name, one.field) == place for one in move.to)
    return None if stays or move.source.component else place


def _by_location(unmapped: Sequence[Unmapped]) -> dict[str, list[Unmapped]]:
    found: dict[str, list[Unmapped]] = {}
    for one in unmapped:
        found.setdefault(one.location, []).append(one)
    return found


def _present(facts: Sequence[Fact]) -> Mapping[str, set[str]]:
    """The elements that the facts of each type have."""
    found: dict[str, set[str]] = {}
    for fact in facts:
        found.setdefault(fact.type, set()).update(name.lstrip("_") for name in fact.resource)
    return found


def _local(site: Site) -> Mapping[tuple[str, int], tuple[str, ...]]:
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for one in site.z_fields:
        table = Table(one.segment, one.resource_type, one.rows, is_segment=True)
        for row in one.rows:
            at = Reference.of(row.at)
            found[one.segment, at.field] = (_named(row, table),)
    return found


@cache
def targets(segment: str, at: int, resource_type: str) -> tuple[tuple[str, str], ...]:
    """(first element, path to read) of the rows for a field, of the guide and of our own."""
    names = (f"{segment}[{resource_type}]", f"{segment}[{resource_type}-Own]")
    tables = [load.table(name) for name in names if load.known(name) == name]
    found = [(row.element, _named(row, table)) for table in tables for row in table.rows if _is_of(row, segment, at)]
    return tuple(dict.fromkeys(pair for pair in found if pair[0]))


def _is_of(row: Row, segment: str, at: int) -> bool:
    of = Reference.of(row.at) if row.at else Reference("")
    return of.name == segment and of.field == at


def _named(row: Row, table: Table) -> str:
    """`Patient.name`, `Encounter.hospitalization.admitSource`, `Patient.extension(patient-religion)`."""
    if row.element == "extension":
        return f"{table.root}.extension({_url(row, table)})"
    names = [step.name for step in row.steps[:2] if step.name]
    return ".".join((table.root, *(names if "." in row.steps[0].type else names[:1])))


def _url(row: Row, table: Table) -> str:
    """What the extension's url ends with."""
    number = row.steps[0].instance
    for one in table.rows:
        if one.element == "extension" and one.steps[0].instance == number and one.steps[-1].name == "url":
            return one.value.strip('"').rpartition("/")[2]
    return str(number)
