"""
ADT A40 and its kin: two records are one patient; PID stays, the record of MRG is used no more.

A47 changes the number of one record: the same, and what was known of it goes over to the new number.
HL7 v2 chapter 3.3.40, 3.3.47; https://hl7.org/fhir/R4/patient.html#merging
"""

from __future__ import annotations

from adapters.facts import Json, Merge, Renumbered
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.families.renumbering import account_merge, priors
from adapters.hl7v2.to_fhir.identifiers import cx, primary, type_code, unique
from adapters.hl7v2.to_fhir.names import human_name
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.reconcile.patient import demographics, subsumed
from adapters.hl7v2.to_fhir.resources.encounter import encounter
from adapters.hl7v2.to_fhir.resources.patient import Subject, patient_id_of, removed, subject
from adapters.hl7v2.to_fhir.sections import PatientPart, patients

TRIGGERS = ("A18", "A30", "A34", "A36", "A39", "A40", "A47")
READS = frozenset({"EVN", "PID", "PD1", "MRG", "PV1", "PV2"})


def merge(draft: Draft) -> bool:
    """Assert survivors, subsumed records and their links; one message may merge several, of several patients."""
    done = [_merge(draft, part) for part in patients(draft.message.segments)]
    return any(done)


def _merge(draft: Draft, part: PatientPart) -> bool:
    survivor = subject(draft, part.pid, part.first("PD1"))
    if survivor is None:
        return False
    found = priors(part)
    renumbered = [account_merge(draft, part.pid, prior.mrg, survivor) for prior in found]
    listed = [(identifier, prior.mrg) for prior in found for identifier in _priors(draft, prior.mrg)]
    gone = [(i, mrg) for i, mrg in listed if patient_id_of(i, draft.site) != survivor.id]
    if not gone:
        draft.remark("MRG-1 names no other patient than PID-3")
        return any(renumbered)
    ids = [_subsume(draft, identifier, mrg, survivor) for identifier, mrg in gone]
    links = [{"other": {"reference": f"Patient/{old}"}, "type": "replaces"} for old in ids]
    resource = stamp({**survivor.resource, "link": links}, draft.moment)
    # The account's own statement of the patient is part of this one.
    draft.facts.pop(f"Patient/{survivor.id}", None)
    draft.add(resource, demographics(removed(draft, part.pid), draft.site.snapshot))
    for prior in found:
        encounter(draft, part.pid, prior.pv1, survivor, event=draft.message.trigger)
    return True


def _priors(draft: Draft, mrg: Segment) -> list[Json]:
    """The record numbers merged away: the primary identifier of MRG-1, and others of its kind."""
    listed = unique([prune(cx(v, draft.site, draft.times)) for v in (*mrg.all(1), *mrg.all(4))])
    first = primary(listed)
    return [i for i in listed if i["system"] == first["system"] and type_code(i) == type_code(first)] if first else []


def _subsume(draft: Draft, identifier: Json, mrg: Segment, survivor: Subject) -> str:
    old = patient_id_of(identifier, draft.site)
    draft.subject(old)
    link = {"other": {"reference": f"Patient/{survivor.id}"}, "type": "replaced-by"}
    resource = {
        "resourceType": "Patient",
        "id": old,
        "identifier": [identifier],
        "active": False,
        "name": [name for v in mrg.all(7) if (name := human_name(v, draft.times))],
        "link": [link],
    }
    draft.add(stamp(resource, draft.moment), subsumed)
    draft.merges.append(Merge(survivor.id, old))
    if draft.message.trigger == "A47":
        draft.renumbered.append(Renumbered(f"Patient/{old}", f"Patient/{survivor.id}"))
    return old
