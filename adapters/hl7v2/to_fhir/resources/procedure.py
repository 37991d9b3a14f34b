"""
PR1 to Procedure.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-pr1-to-procedure.html
"""

from __future__ import annotations

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import ei
from adapters.hl7v2.to_fhir.reconcile.moments import latest, stamp
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import practitioners

_PERFORMERS = ((11, "surgeon"), (8, "anesthesiologist"), (12, "procedure practitioner"))


def procedure(draft: Draft, pr1: Segment, patient: Subject, visit: Json) -> Json:
    """Assert the procedure of a PR1, marked as an error where PR1-20 takes it back; {} when it names none."""
    code = field_concept(draft, pr1, 3) or ({"text": pr1.text(4)} if pr1.text(4) else {})
    if not code:
        return {}
    number = prune(ei(pr1[19], draft.site))
    reason = field_concept(draft, pr1, 15)
    resource = {
        "resourceType": "Procedure",
        "id": _identity(draft, pr1, patient, visit, number, code),
        "identifier": [number],
        "status": "entered-in-error" if pr1.text(20).strip().upper() == "D" else "completed",
        "category": field_concept(draft, pr1, 6, table="0230"),
        "code": code,
        "subject": patient.reference,
        "encounter": visit,
        "performedDateTime": draft.date_time(pr1, 5),
        "performer": [
            {"function": {"text": function}, "actor": actor}
            for field, function in _PERFORMERS
            for actor in practitioners(draft, pr1, field)
        ],
        "reasonCode": [reason] if reason else [],
    }
    return draft.add(stamp(resource, draft.moment), latest, of=(pr1,))


def _identity(draft: Draft, pr1: Segment, patient: Subject, visit: Json, number: Json, code: Json) -> str:
    """PR1-19, else the procedure, its visit and its time."""
    if number:
        return resource_id(number["system"], "Procedure", number["value"], patient.id)
    owner = visit.get("reference", "") or patient.id
    return resource_id(owner, "Procedure", pr1.text(3) or code["text"], draft.times.date_time(pr1.text(5)))
