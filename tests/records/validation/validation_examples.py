"""Small valid resources that the tests of validation start from, and what they ask of a change to one."""

from __future__ import annotations

import copy
from typing import Any

from records.validation import validate

Json = dict[str, Any]

PATIENT: Json = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"profile": ["http://example.org/StructureDefinition/resident"]},
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">居民</div>'},
    "extension": [{"url": "http://example.org/ethnic", "valueCoding": {"system": "http://example.org/e", "code": "1"}}],
    "identifier": [{"use": "official", "system": "http://example.org/id", "value": "A1"}],
    "active": True,
    "name": [{"text": "张　伟", "family": "张", "given": ["伟"], "period": {"start": "2020"}}],
    "telecom": [{"system": "phone", "value": "000"}],
    "gender": "male",
    "birthDate": "1980-02-29",
    "_birthDate": {"extension": [{"url": "http://example.org/t", "valueDateTime": "1980-02-29T08:00:00+08:00"}]},
    "multipleBirthInteger": 2,
    "managingOrganization": {"reference": "Organization/o1"},
}
OBSERVATION: Json = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "category": [{"coding": [{"system": "http://example.org/category", "code": "vital-signs"}]}],
    "code": {"coding": [{"system": "http://example.org/code", "code": "bp"}], "text": "血压"},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2024-05-01T08:00:00+08:00",
    "component": [
        {
            "code": {"text": "收缩压"},
            "valueQuantity": {"value": 120.5, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
        },
        {"code": {"text": "舒张压"}, "dataAbsentReason": {"text": "未测"}},
    ],
}
CONDITION: Json = {
    "resourceType": "Condition",
    "clinicalStatus": {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
    },
    "code": {"text": "高血压"},
    "subject": {"reference": "Patient/p1"},
    "onsetAge": {"value": 50, "system": "http://unitsofmeasure.org", "code": "a"},
}
MEDICATION_REQUEST: Json = {
    "resourceType": "MedicationRequest",
    "contained": [{"resourceType": "Medication", "id": "m", "code": {"text": "氨氯地平"}}],
    "status": "active",
    "intent": "order",
    "medicationReference": {"reference": "#m"},
    "subject": {"reference": "Patient/p1"},
    "dosageInstruction": [{"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}}],
}
BUNDLE: Json = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [
        {"fullUrl": "urn:uuid:1", "resource": PATIENT, "request": {"method": "POST", "url": "Patient"}},
        {"fullUrl": "urn:uuid:2", "resource": OBSERVATION, "request": {"method": "PUT", "url": "Observation/o1"}},
    ],
}
EXAMPLES = (PATIENT, OBSERVATION, CONDITION, MEDICATION_REQUEST, BUNDLE)


def changed(resource: Json, **elements: Any) -> Json:
    """A copy with these elements put in; None takes one out."""
    copied = copy.deepcopy(resource) | elements
    return {name: value for name, value in copied.items() if value is not None}


def places(resource: Json) -> list[str]:
    """Where something is wrong."""
    return [issue.expression for issue in validate(resource)]


def findings(resource: Json) -> list[tuple[str, str]]:
    """Where something is wrong, and its code."""
    return [(issue.expression, issue.code) for issue in validate(resource)]


def laws(resource: Json) -> list[tuple[str, str]]:
    """Where a law is broken, and its key."""
    return [(issue.expression, issue.text.partition(":")[0]) for issue in validate(resource)]
