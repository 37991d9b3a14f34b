"""
DFT^P03 and P11: charges and credits on the patient's account.

HL7 v2 chapter 6.4.3
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.known import Known, of_each_known
from adapters.hl7v2.to_fhir.resources.billing_account import billing_account
from adapters.hl7v2.to_fhir.resources.charge_item import charge
from adapters.hl7v2.to_fhir.resources.condition import diagnosis
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.procedure import procedure
from adapters.hl7v2.to_fhir.sections import PatientPart

TRIGGERS = ("P03", "P11")
READS = frozenset({"EVN", "PID", "PD1", "PV1", "PV2", "FT1", "PR1", "DG1", "GT1", "IN1"})


def transactions(draft: Draft) -> bool:
    """Every transaction of every patient."""
    return of_each_known(draft, _part)


def _part(draft: Draft, part: PatientPart, known: Known) -> bool:
    own = billing_account(draft, part, *known)
    for segment in part.segments:
        if segment.name == "DG1":
            diagnosis(draft, segment, *known)
    for ft1, procedures in _transactions(part):
        charge(draft, ft1, *known, own, _done(draft, procedures, *known))
    return True


def _transactions(part: PatientPart) -> list[tuple[Segment, list[Segment]]]:
    """Each FT1 with the PR1 segments after it."""
    found: list[tuple[Segment, list[Segment]]] = []
    for segment in part.segments:
        if segment.name == "FT1":
            found.append((segment, []))
        elif segment.name == "PR1" and found:
            found[-1][1].append(segment)
    return found


def _done(draft: Draft, procedures: list[Segment], patient: Subject, visit: Json) -> list[Json]:
    return [found for pr1 in procedures if (found := procedure(draft, pr1, patient, visit))]
