"""
Primary-care clinics of the demo region: they speak FHIR R4, a transaction a visit.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hie.simulation.people import Resident

Json = dict[str, Any]

ID_NUMBER = "urn:oid:2.16.156.10011.1.3"
HEALTH_CARD = "urn:oid:2.16.156.10011.1.19"
ORGANIZATION = "urn:hie:organization"
SENDER = "urn:hie:hl7v2-sender"
LOINC = "http://loinc.org"
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
UCUM = "http://unitsofmeasure.org"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
HYPERTENSION = {"coding": [{"system": ICD_10, "code": "I10", "display": "原发性高血压"}], "text": "高血压"}


def transaction(entries: Sequence[Json]) -> bytes:
    """A transaction Bundle as bytes."""
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}, ensure_ascii=False).encode()


def _entry(name: str, resource: Json, condition: str) -> Json:
    # Conditional update: sending the same visit twice changes nothing.
    return {
        "fullUrl": name,
        "resource": resource,
        "request": {"method": "PUT", "url": f"{resource['resourceType']}?{condition}"},
    }


def _name(*parts: object) -> str:
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, '/'.join(map(str, parts)))}"


def directory(institutions: Sequence[Mapping[str, Any]]) -> bytes:
    """Every institution as an Organization with its place, for the facility registry."""
    entries = []
    for one in institutions:
        identifiers = [{"system": ORGANIZATION, "value": one["code"]}]
        if sender := one.get("sender"):
            identifiers.append({"system": SENDER, "value": sender})
        organization = {
            "resourceType": "Organization",
            "identifier": identifiers,
            "active": True,
            "type": [{"text": one["level"]}],
            "name": one["name"],
            "address": [{"city": "淄博市", "state": "山东省", "country": "CN", "text": one["district"]}],
        }
        # A conditional reference's value holds a bar; identifiers are matched by system and value.
        name = _name("organization", one["code"])
        entries.append(_entry(name, organization, f"identifier={ORGANIZATION}|{one['code']}"))
        location = {
            "resourceType": "Location",
            "identifier": [{"system": ORGANIZATION, "value": one["code"]}],
            "status": "active",
            "name": one["name"],
            "mode": "instance",
            "managingOrganization": {"reference": name},
        }
        entries.append(_entry(_name("location", one["code"]), location, f"identifier={ORGANIZATION}|{one['code']}"))
    return transaction(entries)


@dataclass(frozen=True, slots=True)
class Clinic:
    """One clinic: `code` and `name` as in region.json."""

    code: str
    name: str
    district: str

    @property
    def authority(self) -> str:
        """System of the clinic's own numbers."""
        return f"urn:hie:authority:{self.code}"

    def visit(self, resident: Resident, moment: datetime, pressure: tuple[int, int] | None, number: int) -> bytes:
        """A visit: who came, the encounter, the blood pressure, and the chronic condition where there is one."""
        patient, encounter = _name(self.code, "patient", resident.number), _name(self.code, "visit", number)
        value = f"{self.code}-{resident.number:06d}"
        entries = [
            _entry(patient, self._patient(resident, value), f"identifier={self.authority}|{value}"),
            _entry(encounter, self._encounter(patient, moment, number), f"identifier={self.authority}|V{number}"),
        ]
        if pressure:
            observation = self._pressure(patient, encounter, moment, pressure, number)
            entries.append(
                _entry(_name(self.code, "bp", number), observation, f"identifier={self.authority}|BP{number}")
            )
            condition = self._condition(patient, moment, value)
            entries.append(
                _entry(_name(self.code, "htn", value), condition, f"identifier={self.authority}|HTN-{value}")
            )
        return transaction(entries)

    def _organization(self) -> Json:
        return {"reference": f"Organization?identifier={ORGANIZATION}|{self.code}", "display": self.name}

    def _patient(self, resident: Resident, value: str) -> Json:
        return {
            "resourceType": "Patient",
            "identifier": [
                {"system": self.authority, "value": value},
                {"system": ID_NUMBER, "value": resident.id_number},
                {"system": HEALTH_CARD, "value": resident.health_card},
            ],
            "active": True,
            "name": [{"use": "official", "text": resident.name, "family": resident.surname, "given": [resident.given]}],
            "telecom": [{"system": "phone", "value": resident.phone, "use": "home"}],
            "gender": resident.sex,
            "birthDate": resident.birth.isoformat(),
            "address": [{"text": resident.address, "city": "淄博市", "state": "山东省", "country": "CN"}],
            "managingOrganization": self._organization(),
        }

    def _encounter(self, patient: str, moment: datetime, number: int) -> Json:
        return {
            "resourceType": "Encounter",
            "identifier": [{"system": self.authority, "value": f"V{number}"}],
            "status": "finished",
            "class": {"system": ACT_CODE, "code": "AMB"},
            "type": [{"text": "慢病随访"}],
            "subject": {"reference": patient},
            "period": {
                "start": moment.isoformat(timespec="seconds"),
                "end": (moment + timedelta(minutes=15)).isoformat(timespec="seconds"),
            },
            "serviceProvider": self._organization(),
        }

    def _pressure(self, patient: str, encounter: str, moment: datetime, pressure: tuple[int, int], number: int) -> Json:
        parts = zip((("8480-6", "收缩压"), ("8462-4", "舒张压")), pressure, strict=True)
        return {
            "resourceType": "Observation",
            "identifier": [{"system": self.authority, "value": f"BP{number}"}],
            "status": "final",
            "category": [{"coding": [{"system": CATEGORY, "code": "vital-signs"}]}],
            "code": {"coding": [{"system": LOINC, "code": "85354-9", "display": "血压"}], "text": "血压"},
            "subject": {"reference": patient},
            "encounter": {"reference": encounter},
            "effectiveDateTime": moment.isoformat(timespec="seconds"),
            "performer": [self._organization()],
            "component": [
                {
                    "code": {"coding": [{"system": LOINC, "code": code, "display": display}], "text": display},
                    "valueQuantity": {"value": value, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"},
                }
                for (code, display), value in parts
            ],
        }

    def _condition(self, patient: str, moment: datetime, value: str) -> Json:
        clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical"
        return {
            "resourceType": "Condition",
            "identifier": [{"system": self.authority, "value": f"HTN-{value}"}],
            "clinicalStatus": {"coding": [{"system": clinical, "code": "active"}]},
            "category": [
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/condition-category",
                            "code": "problem-list-item",
                        }
                    ]
                }
            ],
            "code": HYPERTENSION,
            "subject": {"reference": patient},
            "recordedDate": moment.isoformat(timespec="seconds"),
        }


def pressure(random: Random, controlled: bool) -> tuple[int, int]:
    """A plausible blood pressure, systolic and diastolic, in mm[Hg]."""
    if controlled:
        return random.randint(112, 138), random.randint(68, 88)
    if random.random() < 0.08:
        return random.randint(181, 198), random.randint(100, 118)
    return random.randint(142, 172), random.randint(88, 106)
