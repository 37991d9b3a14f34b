"""
SIU: one appointment through booking, moving, cancelling and not being there; and time of resources, blocked or opened.

HL7 v2 chapter 10; https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-message-siu-s12-to-bundle.html
"""

from __future__ import annotations

from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.known import Known, of_each_known
from adapters.hl7v2.to_fhir.resources import slot
from adapters.hl7v2.to_fhir.resources.appointment import STATUSES, appointment
from adapters.hl7v2.to_fhir.resources.condition import diagnosis
from adapters.hl7v2.to_fhir.resources.observation import loose_observations
from adapters.hl7v2.to_fhir.sections import PatientPart

TRIGGERS = tuple(STATUSES)
TIME_TRIGGERS = tuple(slot.STATUSES)
READS = frozenset({"SCH", "TQ1", "NTE", "PID", "PD1", "PV1", "PV2", "OBX", "DG1", "RGS", "AIS", "AIP", "AIL", "AIG"})


def schedule(draft: Draft) -> bool:
    """The appointment of each patient: a group's is one appointment a patient, for a record is one person's."""
    return of_each_known(draft, _part)


def _part(draft: Draft, part: PatientPart, known: Known) -> bool:
    loose_observations(draft, part.segments, *known)
    for segment in part.segments:
        if segment.name == "DG1":
            diagnosis(draft, segment, *known)
    return bool(appointment(draft, draft.message.first("SCH"), known[0]))


def time(draft: Draft) -> bool:
    """S23, S24: time of a resource; whoever is in the message has nothing to do with it."""
    return bool(slot.slots(draft, draft.message.first("SCH")))
