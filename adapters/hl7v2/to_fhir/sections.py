"""
A message in the sections that its meaning has: whose it is, which orders, which results, which notes.

Read from the flat list of segments, in order, so that a sender who breaks the grammar is still understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from adapters.hl7v2.message import Segment

_BEGINS_ITEM = frozenset({"OBR", "RXA", "RXE", "RXO", "RXD"})


@dataclass(slots=True)
class Result:
    """An OBX with its notes."""

    obx: Segment
    notes: list[Segment] = field(default_factory=list)


@dataclass(slots=True)
class Order:
    """An ORC (if any) with one OBR, RXE or RXA and what belongs to it."""

    segments: list[Segment] = field(default_factory=list)
    notes: list[Segment] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    def first(self, name: str) -> Segment:
        """The first segment of that name, or an empty one."""
        return next((s for s in self.segments if s.name == name), Segment(name, ()))

    def all(self, name: str) -> list[Segment]:
        """Every segment of that name."""
        return [s for s in self.segments if s.name == name]

    def has(self, name: str) -> bool:
        """True when there is such a segment."""
        return any(s.name == name for s in self.segments)


@dataclass(slots=True)
class PatientPart:
    """What a message says about one patient."""

    pid: Segment
    segments: list[Segment] = field(default_factory=list)

    def first(self, name: str) -> Segment:
        """The first segment of that name, or an empty one."""
        return next((s for s in self.segments if s.name == name), Segment(name, ()))


def patients(segments: Iterable[Segment]) -> list[PatientPart]:
    """One part a PID: several PATIENT_RESULT groups in one ORU are several patients."""
    parts: list[PatientPart] = []
    for segment in segments:
        if segment.name == "PID":
            parts.append(PatientPart(segment))
        elif parts:
            parts[-1].segments.append(segment)
    return parts


def orders(segments: Iterable[Segment]) -> list[Order]:
    """The orders of a patient part; several OBR after one ORC share it."""
    found: list[Order] = []
    for segment in segments:
        if segment.name == "ORC":
            found.append(Order([segment]))
        elif segment.name in _BEGINS_ITEM and (not found or _starts_another(found[-1], segment)):
            found.append(Order([*_orc(found), segment]))
        elif found:
            _append(found[-1], segment)
    return found


def _starts_another(order: Order, segment: Segment) -> bool:
    """A second OBR, RXE or RXA is a second order; an RXE after its RXO, or an RXD after its RXE, is not."""
    return order.has(segment.name)


def _orc(found: list[Order]) -> list[Segment]:
    return found[-1].all("ORC") if found else []


def _append(order: Order, segment: Segment) -> None:
    if segment.name == "OBX":
        order.results.append(Result(segment))
    elif segment.name == "NTE":
        (order.results[-1].notes if order.results else order.notes).append(segment)
    else:
        order.segments.append(segment)


def loose_results(segments: Iterable[Segment]) -> Iterator[Result]:
    """OBX outside of any order: the measurements of an ADT or SIU message."""
    last: Result | None = None
    for segment in segments:
        if segment.name == "OBX":
            if last:
                yield last
            last = Result(segment)
        elif segment.name == "NTE" and last:
            last.notes.append(segment)
        elif segment.name in ("ORC", *_BEGINS_ITEM):
            break
    if last:
        yield last


def note_text(notes: Iterable[Segment]) -> str:
    """The comments of NTE segments, a line each."""
    return "\n".join(line for nte in notes for value in nte.all(3) if (line := value[1].strip()))
