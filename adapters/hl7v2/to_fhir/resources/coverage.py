"""
IN1 to Coverage.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-in1-to-coverage.html
"""

from __future__ import annotations

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import cx
from adapters.hl7v2.to_fhir.reconcile.encounter import ordered
from adapters.hl7v2.to_fhir.reconcile.moments import latest, stamp
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.text import clean

_CLASS = "http://terminology.hl7.org/CodeSystem/coverage-class"


def coverage(draft: Draft, in1: Segment, patient: Subject) -> Json:
    """Assert the insurance of an IN1; {} when no payor is named, which Coverage requires."""
    payor = _payor(draft, in1)
    if not payor:
        return {}
    # IN1-1 only numbers the segments of a message: the same number is another plan in the next one.
    plan = in1.text(2) or in1.text(35) or payor.get("identifier", {}).get("value", "") or payor.get("display", "")
    resource = {
        "resourceType": "Coverage",
        "id": resource_id(patient.id, "Coverage", plan, in1.text(36)),
        "status": "active",
        "identifier": [{"system": f"{draft.authority}:policy", "value": in1.text(36)}] if in1.text(36) else [],
        "type": field_concept(draft, in1, 15, table="0086"),
        "subscriberId": in1.text(49) or in1.text(36),
        "beneficiary": patient.reference,
        "relationship": field_concept(draft, in1, 17, table="0063"),
        "period": ordered({k: v for k, v in (("start", draft.date(in1, 12)), ("end", draft.date(in1, 13))) if v}),
        "payor": [payor],
        "class": _classes(in1),
    }
    return draft.add(stamp(resource, draft.moment), latest, of=(in1,))


def _payor(draft: Draft, in1: Segment) -> Json:
    """IN1-3 and IN1-4; else the name of the plan, which in China names the fund (城镇职工基本医疗保险)."""
    number = prune(cx(in1[3], draft.site, draft.times))
    return prune({"identifier": number, "display": in1.text(4) or in1.text(2, 2) or in1.text(2)})  # type: ignore[no-any-return]


def _classes(in1: Segment) -> list[Json]:
    listed = (("group", in1.text(8), in1.text(9)), ("plan", in1.text(2), in1.text(2, 2)))
    return [
        {"type": {"coding": [{"system": _CLASS, "code": kind}]}, "value": value, "name": name}
        for kind, value, name in listed
        if clean(value)
    ]
