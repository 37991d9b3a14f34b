"""
PPR^PC1 to PC3: the patient's problems, added, updated and deleted, with the goals set for them.

HL7 v2 chapter 12.3.3
"""

from __future__ import annotations

from collections.abc import Iterator

from adapters.facts import Json
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.known import Known, of_each_known
from adapters.hl7v2.to_fhir.resources.goal import goal
from adapters.hl7v2.to_fhir.resources.problem import problem
from adapters.hl7v2.to_fhir.sections import PatientPart, note_text

TRIGGERS = ("PC1", "PC2", "PC3")
# Pathways (PTH), roles and variances are kept and counted: they tell how care is organized, not what the patient has.
READS = frozenset({"PID", "PD1", "PV1", "PV2", "PRB", "GOL", "NTE"})


def problems(draft: Draft) -> bool:
    """Every problem of every patient part."""
    return of_each_known(draft, _part)


def _part(draft: Draft, part: PatientPart, known: Known) -> bool:
    above: list[Json] = []
    for segment, note in _noted(part):
        if segment.name == "PRB":
            found = problem(draft, segment, *known, note)
            above = [found] if found else []
        else:
            goal(draft, segment, known[0], above, note)
    return True


def _noted(part: PatientPart) -> Iterator[tuple[Segment, str]]:
    """Each PRB and GOL with the NTE segments right after it."""
    last: tuple[Segment, list[Segment]] | None = None
    for segment in part.segments:
        if segment.name in ("PRB", "GOL"):
            if last:
                yield last[0], note_text(last[1])
            last = (segment, [])
        elif segment.name == "NTE" and last:
            last[1].append(segment)
    if last:
        yield last[0], note_text(last[1])
