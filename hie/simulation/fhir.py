"""
The resources that demo clinics write, in FHIR R4.

https://hl7.org/fhir/R4/resourcelist.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hie.simulation.people import Resident

Json = dict[str, Any]

ID_NUMBER = "urn:oid:2.16.156.10011.1.3"
HEALTH_CARD = "urn:oid:2.16.156.10011.1.19"
ORGANIZATION = "urn:hie:organization"
SENDER = "urn:hie:hl7v2-sender"
DRUG = "urn:hie:drug"
LOINC = "http://loinc.org"
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
UCUM = "http://unitsofmeasure.org"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
CONDITION_CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
HYPERTENSION = {"coding": [{"system": ICD_10, "code": "I10", "display": "原发性高血压"}], "text": "高血压"}
PLACE = {"city": "淄博市", "state": "山东省", "country": "CN"}


def at(moment: datetime) -> str:
    """A FHIR instant."""
    return moment.isoformat(timespec="seconds")


def organization(one: Mapping[str, Any]) -> Json:
    """An institution of region.json."""
    identifiers = [{"system": ORGANIZATION, "value": one["code"]}]
    if sender := one.get("sender"):
        identifiers.append({"system": SENDER, "value": sender})
    return {
        "resourceType": "Organization",
        "identifier": identifiers,
        "active": True,
        "type": [{"text": one["level"]}],
        "name": one["name"],
        "address": [{**PLACE, "text": one["district"]}],
    }


def location(one: Mapping[str, Any], managed_by: str) -> Json:
    """Where the institution is."""
    return {
        "resourceType": "Location",
        "identifier": [{"system": ORGANIZATION, "value": one["code"]}],
        "status": "active",
        "name": one["name"],
        "mode": "instance",
        "managingOrganization": {"reference": managed_by},
    }


@dataclass(frozen=True, slots=True)
class Visit:
    """What all resources of one visit share: names inside the transaction, who is responsible, when."""

    authority: str
    organization: Json
    patient: str
    encounter: str
    moment: datetime

    def numbered(self, value: str) -> list[Json]:
        """The clinic's own number of a resource."""
        return [{"system": self.authority, "value": value}]

    def person(self, resident: Resident, value: str) -> Json:
        """The clinic's record of the resident."""
        return {
            "resourceType": "Patient",
            "identifier": [
                *self.numbered(value),
                {"system": ID_NUMBER, "value": resident.id_number},
                {"system": HEALTH_CARD, "value": resident.health_card},
            ],
            "active": True,
            "name": [{"use": "official", "text": resident.name, "family": resident.surname, "given": [resident.given]}],
            "telecom": [{"system": "phone", "value": resident.phone, "use": "home"}],
            "gender": resident.sex,
            "birthDate": resident.birth.isoformat(),
            "address": [{**PLACE, "text": resident.address}],
            "managingOrganization": self.organization,
        }

    def contact(self, value: str, kind: str) -> Json:
        """The encounter."""
        return {
            "resourceType": "Encounter",
            "identifier": self.numbered(value),
            "status": "finished",
            "class": {"system": ACT_CODE, "code": "AMB"},
            "type": [{"text": kind}],
            "subject": {"reference": self.patient},
            "period": {"start": at(self.moment), "end": at(self.moment + timedelta(minutes=15))},
            "serviceProvider": self.organization,
        }

    def pressure(self, value: str, pressure: tuple[int, int]) -> Json:
        """A blood pressure, systolic and diastolic."""
        parts = zip((("8480-6", "收缩压"), ("8462-4", "舒张压")), pressure, strict=True)
        return {
            "resourceType": "Observation",
            "identifier": self.numbered(value),
            "status": "final",
            "category": [{"coding": [{"system": CATEGORY, "code": "vital-signs"}]}],
            "code": {"coding": [{"system": LOINC, "code": "85354-9", "display": "血压"}], "text": "血压"},
            "subject": {"reference": self.patient},
            "encounter": {"reference": self.encounter},
            "effectiveDateTime": at(self.moment),
            "performer": [self.organization],
            "component": [
                {
                    "code": {"coding": [{"system": LOINC, "code": code, "display": display}], "text": display},
                    "valueQuantity": {"value": measured, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"},
                }
                for (code, display), measured in parts
            ],
        }

    def hypertension(self, value: str) -> Json:
        """The problem that brings the resident here."""
        category = {"coding": [{"system": CONDITION_CATEGORY, "code": "problem-list-item"}]}
        return {
            "resourceType": "Condition",
            "identifier": self.numbered(value),
            "clinicalStatus": {"coding": [{"system": CLINICAL, "code": "active"}]},
            "category": [category],
            "code": HYPERTENSION,
            "subject": {"reference": self.patient},
            "recordedDate": at(self.moment),
        }

    def prescription(self, value: str, drug: Mapping[str, Any]) -> Json:
        """A drug prescribed."""
        return {
            "resourceType": "MedicationRequest",
            "identifier": self.numbered(value),
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": medicine(drug),
            "subject": {"reference": self.patient},
            "encounter": {"reference": self.encounter},
            "authoredOn": at(self.moment),
            "requester": self.organization,
            "dosageInstruction": [{"text": drug["sig"]}],
        }

    def dispensing(self, value: str, drug: Mapping[str, Any], prescription: str) -> Json:
        """The same drug handed over."""
        return {
            "resourceType": "MedicationDispense",
            "identifier": self.numbered(value),
            "status": "completed",
            "medicationCodeableConcept": medicine(drug),
            "subject": {"reference": self.patient},
            "context": {"reference": self.encounter},
            "performer": [{"actor": self.organization}],
            "authorizingPrescription": [{"reference": prescription}],
            "quantity": {"value": drug["quantity"], "unit": drug["form"]},
            "whenHandedOver": at(self.moment + timedelta(minutes=10)),
            "dosageInstruction": [{"text": drug["sig"], "doseAndRate": [{"doseQuantity": dose(drug)}]}],
        }


def medicine(drug: Mapping[str, Any]) -> Json:
    """A drug of the region's catalogue."""
    coding = {"system": DRUG, "code": drug["code"], "display": drug["name"]}
    return {"coding": [coding], "text": drug["name"]}


def dose(drug: Mapping[str, Any]) -> Json:
    """How much at once."""
    return {"value": float(Decimal(drug["dose"])), "unit": drug["unit"], "system": UCUM, "code": drug["unit"]}
