"""
Whom a message that is not ADT speaks of: a patient and a visit that it never rewrites.

https://build.fhir.org/ig/HL7/v2-to-fhir/mapping_guidelines.html
"""

from __future__ import annotations

from collections.abc import Callable

from adapters.facts import Json, create_only
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.resources.encounter import encounter
from adapters.hl7v2.to_fhir.resources.patient import Subject, subject
from adapters.hl7v2.to_fhir.sections import PatientPart, patients

# The patient, and a reference to the visit.
Known = tuple[Subject, Json]


def known_patient(draft: Draft, part: PatientPart) -> Known | None:
    """The patient and visit of a part: created if absent; None where nobody is named."""
    patient = subject(draft, part.pid, part.first("PD1"))
    if patient is None:
        return None
    draft.add(patient.resource, create_only, of=(part.pid, part.first("PD1")))
    return patient, encounter(draft, part.pid, part.first("PV1"), patient)


def of_each_known(draft: Draft, tell: Callable[[Draft, PatientPart, Known], bool]) -> bool:
    """Tell of every patient of a message; whether anything was said of one of them."""
    said = False
    for part in patients(draft.message.segments):
        known = known_patient(draft, part)
        if known is not None and tell(draft, part, known):
            said = True
    return said
