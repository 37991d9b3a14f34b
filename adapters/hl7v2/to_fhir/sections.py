"""
A message in the sections that its meaning has: whose it is, which orders, which specimens, which results, which notes.

Read from the flat list of segments, once and in order, so that a sender who breaks the grammar is still understood.

HL7 v2 chapters 4, 4A, 7 and 13
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.text import whole_lines

_BEGINS_ITEM = frozenset({"OBR", "RXA", "RXE", "RXO", "RXD", "RXG"})
_STARTS_ORDERS = frozenset({"ORC", "SPM", "SAC", *_BEGINS_ITEM})
# A second administration, give or dispense under one ORC is of the same prescription.
_SHARED = {"OBR": ("ORC",), "RXE": ("ORC",), "RXO": ("ORC",)}
_OF_PRESCRIPTION = ("ORC", "RXO", "RXE")


class Named:
    """Segments in order, found by name without a search."""

    def __init__(self, segments: Iterable[Segment] = ()) -> None:
        self.segments: list[Segment] = []
        self._named: dict[str, list[Segment]] = {}
        for segment in segments:
            self.append(segment)

    def append(self, segment: Segment) -> None:
        """One more segment, behind the others."""
        self.segments.append(segment)
        self._named.setdefault(segment.name, []).append(segment)

    def first(self, name: str) -> Segment:
        """The first segment of that name, or an empty one."""
        found = self._named.get(name)
        return found[0] if found else Segment(name, ())

    def last(self, name: str) -> Segment:
        """The last segment of that name, or an empty one."""
        found = self._named.get(name)
        return found[-1] if found else Segment(name, ())

    def all(self, name: str) -> list[Segment]:
        """Every segment of that name."""
        return list(self._named.get(name, ()))

    def of(self, *names: str) -> tuple[Segment, ...]:
        """The first segments of these names."""
        return tuple(self.first(name) for name in names)

    def has(self, name: str) -> bool:
        """True when there is such a segment."""
        return name in self._named


@dataclass(slots=True)
class Result:
    """An OBX with its notes."""

    obx: Segment
    notes: list[Segment] = field(default_factory=list)


@dataclass(slots=True)
class Sample:
    """A specimen with its containers, its notes and what was observed of itself."""

    spm: Segment
    containers: list[Segment] = field(default_factory=list)
    notes: list[Segment] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)


class Order(Named):
    """An ORC (if any) with one OBR, RXO, RXE, RXD, RXA or RXG and what belongs to it."""

    def __init__(self, segments: Iterable[Segment] = (), samples: Sequence[Sample] = ()) -> None:
        super().__init__(segments)
        self.notes: list[Segment] = []
        self.results: list[Result] = []
        self.samples = list(samples)


class PatientPart(Named):
    """What a message says about one patient."""

    def __init__(self, pid: Segment) -> None:
        super().__init__()
        self.pid = pid


def patients(segments: Iterable[Segment]) -> list[PatientPart]:
    """One part a PID: several PATIENT_RESULT groups in one ORU are several patients."""
    parts: list[PatientPart] = []
    for segment in segments:
        if segment.name == "PID":
            parts.append(PatientPart(segment))
        elif parts:
            parts[-1].append(segment)
    return parts


def orders(segments: Iterable[Segment], *, orc_follows: bool = False) -> list[Order]:
    """
    The orders of a patient part; several OBR after one ORC share it.

    `orc_follows`: in OUL R22 to R24 an ORC stands behind its OBR. A specimen or container that stands before the
    first order governs the orders behind it, until the next one; otherwise it belongs to the order before it.
    """
    reader = _Reader(orc_follows)
    for segment in segments:
        reader.take(segment)
    for order in reader.found:
        _own(order)
    return reader.found


def _own(order: Order) -> None:
    """Senders put SPM between OBR and OBX: an order without results has those behind its only specimen."""
    if order.results or len(order.samples) != 1 or not order.has("OBR"):
        return
    sample = order.samples[0]
    if sample.spm.number > order.first("OBR").number:
        order.results, sample.results = sample.results, []


class _Reader:
    """Where the next segment belongs."""

    def __init__(self, orc_follows: bool) -> None:
        self.found: list[Order] = []
        self._orc_follows = orc_follows
        self._governing: Sample | None = None
        self._used = False  # an order has the governing specimen
        self._sample: Sample | None = None  # the specimen that is being described
        self._result: Result | None = None

    def take(self, segment: Segment) -> None:
        """One segment, in the order of the message."""
        name = segment.name
        if name == "OBX":
            self._observe(segment)
        elif name == "NTE":
            self._note(segment)
        elif name in ("SPM", "SAC"):
            self._specimen(segment)
        elif name == "ORC" or name in _BEGINS_ITEM:
            self._order(segment)
        elif self.found and (self._sample is None or self._sample is not self._governing):
            self.found[-1].append(segment)

    def _observe(self, obx: Segment) -> None:
        self._result = Result(obx)
        if self._sample is not None:
            self._sample.results.append(self._result)
        elif self.found:
            self.found[-1].results.append(self._result)

    def _note(self, nte: Segment) -> None:
        if self._result is not None:
            self._result.notes.append(nte)
        elif self._sample is not None:
            self._sample.notes.append(nte)
        elif self.found:
            self.found[-1].notes.append(nte)

    def _specimen(self, segment: Segment) -> None:
        self._result = None
        if self._governing is None and self.found:
            self._behind_order(segment)
        elif segment.name == "SPM":
            self._govern(Sample(segment))
        elif self._governing is None or (self._used and self._governing.containers):
            spm = self._governing.spm if self._governing else Segment("SPM", ())
            self._govern(Sample(spm, [segment]))
        else:
            self._governing.containers.append(segment)
            self._sample = self._governing

    def _govern(self, sample: Sample) -> None:
        self._governing = self._sample = sample
        self._used = False

    def _behind_order(self, segment: Segment) -> None:
        order = self.found[-1]
        if segment.name == "SPM" or not order.samples:
            order.samples.append(Sample(segment if segment.name == "SPM" else Segment("SPM", ())))
        self._sample = order.samples[-1]
        if segment.name == "SAC":
            # What follows a container of an order's specimen is a result of the order (OUL R24).
            self._sample.containers.append(segment)
            self._sample = None

    def _order(self, segment: Segment) -> None:
        last = self.found[-1] if self.found and not (self._sample and self._sample is self._governing) else None
        self._result = self._sample = None
        if last is not None and self._joins(last, segment):
            last.append(segment)
            return
        self._used = True
        self.found.append(Order([*self._carried(segment), segment], [self._governing] if self._governing else []))

    def _joins(self, order: Order, segment: Segment) -> bool:
        if segment.name == "ORC":
            return self._orc_follows and order.has("OBR") and not order.has("ORC") and not order.results
        return not order.has(segment.name) and not (segment.name == "RXO" and order.has("RXE"))

    def _carried(self, segment: Segment) -> list[Segment]:
        """What a further item under the same ORC shares with the one before."""
        if segment.name == "ORC" or not self.found or (segment.name == "OBR" and self._orc_follows):
            return []
        shared = _SHARED.get(segment.name, _OF_PRESCRIPTION)
        return [one for one in self.found[-1].segments if one.name in shared]


def reports(found: Sequence[Order]) -> list[Order]:
    """Laboratories repeat the OBR before every OBX: equal headers of the same specimens are one report."""
    known: dict[tuple[object, ...], Order] = {}
    kept: list[Order] = []
    for order in found:
        obr = order.first("OBR")
        key = (obr.fields[1:], order.first("ORC").fields, tuple(id(sample) for sample in order.samples))
        first = known.setdefault(key, order)
        if first is order or not obr.fields:
            kept.append(order)
        else:
            first.results.extend(order.results)
            first.notes.extend(order.notes)
    return kept


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
        elif segment.name in _STARTS_ORDERS:
            break
    if last:
        yield last


def note_text(notes: Iterable[Segment]) -> str:
    """The comments of NTE segments, a line each."""
    return "\n".join(text for nte in notes for line in whole_lines(nte, 3) if (text := line.strip()))
