"""
MDM^T01 to T11: documents, their edits, addenda, replacements and cancellation.

HL7 v2 chapter 9; https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-message-mdm-t02-to-bundle.html
"""

from __future__ import annotations

from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.known import known_patient
from adapters.hl7v2.to_fhir.resources.document import document
from adapters.hl7v2.to_fhir.sections import patients

TRIGGERS = tuple(f"T{number:02}" for number in range(1, 12))
READS = frozenset({"EVN", "PID", "PD1", "PV1", "PV2", "TXA", "OBX"})


def notify(draft: Draft) -> bool:
    """The document of the message."""
    part = next(iter(patients(draft.message.segments)), None)
    known = known_patient(draft, part) if part else None
    return bool(known and document(draft, draft.message.first("TXA"), *known))
