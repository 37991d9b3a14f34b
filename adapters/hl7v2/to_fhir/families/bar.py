"""
BAR^P01 to P12: the patient's account, opened, changed and ended; its payers; the diagnoses and procedures billed.

HL7 v2 chapter 6
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.known import Known, of_each_known
from adapters.hl7v2.to_fhir.reconcile.diagnoses import DIAGNOSES_AS_OF, Diagnoses, billed
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.resources.allergy import allergy
from adapters.hl7v2.to_fhir.resources.billing_account import billing_account
from adapters.hl7v2.to_fhir.resources.condition import diagnosis
from adapters.hl7v2.to_fhir.resources.encounter import encounter
from adapters.hl7v2.to_fhir.resources.observation import loose_observations
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.procedure import procedure
from adapters.hl7v2.to_fhir.resources.related_person import related_person
from adapters.hl7v2.to_fhir.sections import PatientPart

TRIGGERS = ("P01", "P02", "P05", "P06", "P10", "P12")
READS = frozenset({"EVN", "PID", "PD1", "PV1", "PV2", "DG1", "PR1", "GT1", "NK1", "IN1", "AL1", "OBX"})


def billing(draft: Draft) -> bool:
    """Every patient: P02 and P06 may name several."""
    return of_each_known(draft, _part)


def _part(draft: Draft, part: PatientPart, known: Known) -> bool:
    patient, visit = known
    own = billing_account(draft, part, patient, visit)
    _around(draft, part, patient, visit)
    _billed(draft, [s for s in part.segments if s.name == "DG1"], patient, visit, own)
    return True


def _around(draft: Draft, part: PatientPart, patient: Subject, visit: Json) -> None:
    """Procedures, allergies, next of kin and measurements; further visits of the same account."""
    for segment in part.segments:
        if segment.name == "PR1":
            procedure(draft, segment, patient, visit)
        elif segment.name == "AL1":
            allergy(draft, segment, patient)
        elif segment.name == "NK1":
            related_person(draft, segment, patient)
        elif segment.name == "PV1" and segment is not part.first("PV1"):
            encounter(draft, part.pid, segment, patient)
    loose_observations(draft, part.segments, patient, visit)


def _billed(draft: Draft, listed: list[Segment], patient: Subject, visit: Json, account: Json) -> None:
    """The account of the visit, and its diagnoses: DG1-21 makes the segments changes, without it they are the list."""
    entries = [entry for dg1 in listed if (entry := diagnosis(draft, dg1, patient, visit))]
    fact = draft.facts.get(visit.get("reference", ""))
    if fact is None:
        return
    said = Diagnoses(bool(listed), any(dg1.text(21) for dg1 in listed), _withdrawn(draft))
    stated = {**fact.resource, "account": [account], "diagnosis": entries}
    draft.add(stamp(stated, draft.moment, DIAGNOSES_AS_OF) if listed else stated, billed(said))


def _withdrawn(draft: Draft) -> frozenset[str]:
    """Conditions that this message takes back."""
    return frozenset(
        key
        for key, fact in draft.facts.items()
        if fact.type == "Condition"
        and any(c["code"] == "entered-in-error" for c in fact.resource["verificationStatus"]["coding"])
    )
