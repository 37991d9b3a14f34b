"""
ADT A40 and its kin: two records are one patient; PID stays, the record of MRG is used no more.

HL7 v2 chapter 3.3.40; https://hl7.org/fhir/R4/patient.html#merging
"""

from __future__ import annotations

from adapters.facts import Json, Merge
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.families.adt import removed
from adapters.hl7v2.to_fhir.identifiers import cx, primary, type_code, unique
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.reconcile.patient import demographics, subsumed
from adapters.hl7v2.to_fhir.resources.patient import Subject, patient_id_of, subject

TRIGGERS = ("A18", "A30", "A34", "A36", "A39", "A40")
READS = frozenset({"EVN", "PID", "PD1", "MRG", "PV1"})


def pairs(segments: tuple[Segment, ...]) -> list[tuple[Segment, list[Segment]]]:
    """Each PID with the MRG segments after it: one message may merge several records, of several patients."""
    found: list[tuple[Segment, list[Segment]]] = []
    for segment in segments:
        if segment.name == "PID":
            found.append((segment, []))
        elif segment.name == "MRG" and found:
            found[-1][1].append(segment)
    return found


def merge(draft: Draft) -> bool:
    """Assert survivors, subsumed records and their links."""
    done = [_merge(draft, pid, merged) for pid, merged in pairs(draft.message.segments)]
    return any(done)


def _merge(draft: Draft, pid: Segment, merged: list[Segment]) -> bool:
    survivor = subject(draft, pid)
    if survivor is None:
        return False
    listed = [identifier for mrg in merged for identifier in _priors(draft, mrg)]
    priors = [identifier for identifier in listed if patient_id_of(identifier, draft.site) != survivor.id]
    if not priors:
        draft.remark("MRG-1 names no other patient than PID-3")
        return False
    ids = [_subsume(draft, identifier, survivor) for identifier in priors]
    links = [{"other": {"reference": f"Patient/{old}"}, "type": "replaces"} for old in ids]
    draft.add(stamp({**survivor.resource, "link": links}, draft.moment), demographics(removed(draft, pid)))
    return True


def _priors(draft: Draft, mrg: Segment) -> list[Json]:
    """The record numbers merged away: the primary identifier of MRG-1, and others of its kind."""
    listed = unique([prune(cx(v, draft.site, draft.times)) for v in (*mrg.all(1), *mrg.all(4))])
    first = primary(listed)
    return [i for i in listed if i["system"] == first["system"] and type_code(i) == type_code(first)] if first else []


def _subsume(draft: Draft, identifier: Json, survivor: Subject) -> str:
    old = patient_id_of(identifier, draft.site)
    draft.subject(old)
    link = {"other": {"reference": f"Patient/{survivor.id}"}, "type": "replaced-by"}
    resource = {"resourceType": "Patient", "id": old, "identifier": [identifier], "active": False, "link": [link]}
    draft.add(stamp(resource, draft.moment), subsumed)
    draft.merges.append(Merge(survivor.id, old))
    return old
