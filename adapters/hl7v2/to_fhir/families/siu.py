"""
SIU^S12 to S17 and S26: one appointment through booking, moving, cancelling and not being there.

HL7 v2 chapter 10; https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-message-siu-s12-to-bundle.html
"""

from __future__ import annotations

from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.families.oru import known_patient
from adapters.hl7v2.to_fhir.resources.appointment import STATUSES, appointment
from adapters.hl7v2.to_fhir.resources.condition import diagnosis
from adapters.hl7v2.to_fhir.resources.observation import loose_observations
from adapters.hl7v2.to_fhir.sections import patients

TRIGGERS = tuple(STATUSES)
READS = frozenset({"SCH", "TQ1", "NTE", "PID", "PD1", "PV1", "PV2", "OBX", "DG1", "RGS", "AIS", "AIP", "AIL", "AIG"})


def schedule(draft: Draft) -> bool:
    """The appointment of the first patient; group appointments are one message a patient."""
    part = next(iter(patients(draft.message.segments)), None)
    known = known_patient(draft, part) if part else None
    if part is None or known is None:
        return False
    loose_observations(draft, part.segments, *known)
    for segment in part.segments:
        if segment.name == "DG1":
            diagnosis(draft, segment, *known)
    return bool(appointment(draft, draft.message.first("SCH"), known[0]))
