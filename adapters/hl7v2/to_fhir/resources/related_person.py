"""
NK1 to RelatedPerson.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-nk1-to-relatedperson.html
"""

from __future__ import annotations

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concepts, mapped_code
from adapters.hl7v2.to_fhir.contacts import address, contact_point
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import cx, primary, unique
from adapters.hl7v2.to_fhir.names import display_name, human_name
from adapters.hl7v2.to_fhir.reconcile.moments import latest, stamp
from adapters.hl7v2.to_fhir.reconcile.patient import known_as
from adapters.hl7v2.to_fhir.resources.patient import Subject, patient_id_of

_ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"


def related_person(draft: Draft, nk1: Segment, patient: Subject) -> Json:
    """Assert the next of kin of an NK1; {} when it names nobody."""
    names = [n for v in nk1.all(2) if (n := prune(human_name(v, draft.times)))]
    numbers = unique([prune(cx(v, draft.site, draft.times)) for v in nk1.all(33)])
    if not names and not numbers:
        return {}
    key = numbers[0]["value"] if numbers else display_name(names[0])
    points = [contact_point(v, "home") for v in nk1.all(5)] + [contact_point(v, "work") for v in nk1.all(6)]
    resource = {
        "resourceType": "RelatedPerson",
        "id": resource_id(patient.id, "RelatedPerson", key),
        "identifier": numbers,
        "active": True,
        "patient": patient.reference,
        "relationship": field_concepts(draft, nk1, 3, table="0063"),
        "name": names,
        "telecom": [p for p in points if p],
        "gender": mapped_code(draft, nk1, 15, "0001"),
        "birthDate": draft.date(nk1, 16),
        "address": [a for v in nk1.all(4) if (a := address(v, draft.times))],
        "period": {k: v for k, v in (("start", draft.date(nk1, 8)), ("end", draft.date(nk1, 9))) if v},
    }
    return draft.add(stamp(resource, draft.moment), latest, of=(nk1,))


def mother(draft: Draft, pid: Segment, child: Subject) -> None:
    """
    PID-21: who a newborn's mother is.

    The child has a RelatedPerson with the mother's number; the mother's own record, if it is here, is linked to it.
    https://hl7.org/fhir/R4/patient.html#links
    """
    numbers = unique([prune(cx(v, draft.site, draft.times)) for v in pid.all(21)])
    if not numbers:
        return
    resource = {
        "resourceType": "RelatedPerson",
        "id": resource_id(child.id, "RelatedPerson", numbers[0]["value"]),
        "identifier": numbers,
        "active": True,
        "patient": child.reference,
        "relationship": [{"coding": [{"system": _ROLE, "code": "MTH", "display": "mother"}]}],
        "name": [name] if (name := prune(human_name(pid[6], draft.times))) else [],
    }
    related = draft.add(stamp(resource, draft.moment), latest)
    _link(draft, patient_id_of(primary(numbers), draft.site), related)


def _link(draft: Draft, mother_id: str, related: Json) -> None:
    link = {"other": related, "type": "seealso"}
    draft.conditional.add(f"Patient/{mother_id}")
    draft.add({"resourceType": "Patient", "id": mother_id, "link": [link]}, known_as)
