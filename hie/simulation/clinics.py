"""
Primary-care clinics of the demo region: they speak FHIR R4, a transaction a visit.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from hie.simulation import fhir
from hie.simulation.fhir import ORGANIZATION, Json, Visit
from hie.simulation.people import Resident

Pressure = tuple[int, int]


def transaction(entries: Sequence[Json]) -> bytes:
    """A transaction Bundle as bytes."""
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}, ensure_ascii=False).encode()


def entry(name: str, resource: Json) -> Json:
    """A resource by its own number: sending the same visit twice changes nothing."""
    number = resource["identifier"][0]
    return {
        "fullUrl": name,
        "resource": resource,
        "request": {
            "method": "PUT",
            "url": f"{resource['resourceType']}?identifier={number['system']}|{number['value']}",
        },
    }


def named(*parts: object) -> str:
    """A name inside a transaction."""
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, '/'.join(map(str, parts)))}"


def directory(institutions: Sequence[Mapping[str, Any]]) -> bytes:
    """Every institution as an Organization with its place, for the facility registry."""
    entries = []
    for one in institutions:
        name = named("organization", one["code"])
        entries.append(entry(name, fhir.organization(one)))
        entries.append(entry(named("location", one["code"]), fhir.location(one, name)))
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

    def local_id(self, resident: Resident) -> str:
        """The clinic's own number of a resident."""
        return f"{self.code}-{resident.number:06d}"

    def visit(
        self,
        resident: Resident,
        moment: datetime,
        number: int,
        pressure: Pressure | None = None,
        drugs: Sequence[Mapping[str, Any]] = (),
    ) -> bytes:
        """A visit: who came and, where it was for hypertension, what was measured and handed over."""
        patient = named(self.code, "patient", resident.number)
        visit = Visit(self.authority, self._organization(), patient, named(self.code, "visit", number), moment)
        value = self.local_id(resident)
        kind = "慢病随访" if pressure else "全科门诊"
        entries = [
            entry(patient, visit.person(resident, value)),
            entry(visit.encounter, visit.contact(f"V{number}", kind)),
        ]
        if pressure:
            entries.append(entry(named(self.code, "bp", number), visit.pressure(f"BP{number}", pressure)))
            entries.append(entry(named(self.code, "htn", value), visit.hypertension(f"HTN-{value}")))
        for position, drug in enumerate(drugs):
            entries.extend(self._handed(visit, drug, f"{number}-{position}"))
        return transaction(entries)

    def _handed(self, visit: Visit, drug: Mapping[str, Any], number: str) -> Iterator[Json]:
        request = named(self.code, "request", number)
        yield entry(request, visit.prescription(f"RX{number}", drug))
        yield entry(named(self.code, "dispense", number), visit.dispensing(f"RD{number}", drug, request))

    def _organization(self) -> Json:
        return {"reference": f"Organization?identifier={ORGANIZATION}|{self.code}", "display": self.name}


def pressure(random: Random, controlled: bool) -> Pressure:
    """A plausible blood pressure, systolic and diastolic, in mm[Hg]."""
    if controlled:
        return random.randint(112, 138), random.randint(68, 88)
    if random.random() < 0.08:
        return random.randint(181, 198), random.randint(100, 118)
    return random.randint(142, 172), random.randint(88, 106)
