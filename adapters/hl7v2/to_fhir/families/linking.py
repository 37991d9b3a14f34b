"""
A24 and A37: two records are one human (or are not, after all), and both stay in use.

HL7 v2 chapter 3.3.24 and 3.3.37; https://hl7.org/fhir/R4/patient.html#links
"""

from __future__ import annotations

from adapters.facts import Json, Merge, Unlink
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.reconcile.patient import linked, unlinked
from adapters.hl7v2.to_fhir.resources.patient import Subject, subject
from adapters.hl7v2.to_fhir.sections import patients

READS = frozenset({"EVN", "PID", "PD1"})


def link(draft: Draft) -> bool:
    """A24: every further PID is the same human as the first; nothing is merged."""
    first, others = _subjects(draft)
    if first is None or not others:
        return False
    draft.add(_linked(draft, first, others), linked)
    for other in others:
        draft.add(_linked(draft, other, [first]), linked)
        draft.merges.append(Merge(first.id, other.id))
    return True


def unlink(draft: Draft) -> bool:
    """A37: the first PID and the further ones are not the same human."""
    first, others = _subjects(draft)
    if first is None or not others:
        return False
    for one, apart in ((first, others), *((other, [first]) for other in others)):
        draft.conditional.add(f"Patient/{one.id}")
        draft.add(_linked(draft, one, apart), unlinked)
    draft.unlinks += [Unlink(first.id, other.id) for other in others]
    return True


def _subjects(draft: Draft) -> tuple[Subject | None, list[Subject]]:
    found = [subject(draft, part.pid, part.first("PD1")) for part in patients(draft.message.segments)]
    known = {one.id: one for one in found if one is not None}
    if len(known) < 2:
        draft.remark("the message names no two patients")
        return None, []
    first, *others = known.values()
    return first, others


def _linked(draft: Draft, one: Subject, others: list[Subject]) -> Json:
    links = [{"other": other.reference, "type": "seealso"} for other in others]
    return stamp({**one.resource, "link": links}, draft.moment)
