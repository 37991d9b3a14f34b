"""
MFI and MFE: which master file, and what happens to each entry of it.

HL7 v2 chapter 8.5, tables 0178 (file level) and 0180 (record level)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.draft import Draft

ACTIONS = frozenset({"MAD", "MUP", "MDL", "MDC", "MAC"})
_CLOSES = frozenset({"MDL", "MDC"})


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One entry of a master file with the segments below its MFE.

    `action` of MFE-1: MAD adds, MUP updates, MDC deactivates, MAC reactivates, MDL deletes: what orders and results
    speak of is never taken out of the registries, it is no longer active.
    """

    mfe: Segment
    action: str
    segments: list[Segment] = field(default_factory=list)

    def all(self, name: str) -> list[Segment]:
        """Every segment of that name."""
        return [segment for segment in self.segments if segment.name == name]

    def first(self, name: str) -> Segment:
        """The first of them, or an empty one."""
        return next(iter(self.all(name)), Segment(name, ()))

    def active(self, said: str) -> bool:
        """The event outranks the entry's own flag (STF-7, LDP-6); a new entry is active."""
        if self.action in _CLOSES:
            return False
        return self.action == "MAC" or said != "inactive"


def entries(draft: Draft) -> Iterator[Entry]:
    """Every entry whose event code is known; another one is counted, with all that it says."""
    found: list[Entry] = []
    for segment in draft.message.segments:
        if segment.name == "MFE":
            found.append(Entry(segment, segment.text(1).strip().upper()))
        elif found:
            found[-1].segments.append(segment)
    for one in found:
        if one.action in ACTIONS:
            yield one
        else:
            draft.lost(one.mfe, 1, one.action or "absent", "http://terminology.hl7.org/CodeSystem/v2-0180")
