"""
A MedicationDispense as supervision sees it: where, when, for whom in which setting, which drug, how many doses.

https://hl7.org/fhir/R4/medicationdispense.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from hie.applications.drug_supervision.catalogue import identify
from hie.applications.drug_supervision.rules import Doses, Drug, Problem, ddds_on, doses, is_antibacterial, number
from hie.applications.drug_supervision.stays import setting_of
from hie.applications.fhir import ZONE, facility_of, moment
from hie.applications.rule_data import Rules
from records.stored import Json
from terminology.service import Terminology

UNKNOWN_FACILITY = "unknown"


@dataclass(frozen=True, slots=True)
class Around:
    """What a dispensing refers to, as far as it is there and may be seen."""

    encounter: Json = field(default_factory=dict)
    patient: Json = field(default_factory=dict)
    medication: Json = field(default_factory=dict)
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Dispensing:
    """One dispensing, its `unit` in the sender's word. `doses` is None but for antibacterials of inpatients."""

    id: str
    at: datetime
    facility: str
    setting: str
    drug: Drug
    quantity: Decimal | None
    unit: str
    antibacterial: bool
    doses: Doses | None
    price: Decimal | None

    @property
    def reference(self) -> str:
        return f"MedicationDispense/{self.id}"

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why a figure does not count this row."""
        found: list[Problem] = []
        if not self.drug.mapped:
            found.append("unmapped-drug")
        elif self.drug.essential is None:
            found.append("unknown-essential")
        if self.antibacterial and not self.setting:
            found.append("unknown-setting")
        if self.doses and self.doses.problem:
            found.append(self.doses.problem)
        if self.price is None:
            found.append("missing-price")
        return tuple(found)


def read(dispense: Json, around: Around, terminology: Terminology, rules: Rules) -> Dispensing | None:
    """None for what was not handed over (another status), and for what has no time."""
    at = moment(dispense.get("whenHandedOver"))
    if at is None or dispense.get("status") not in rules["counted_status"]:
        return None
    drug = identify(dispense, around.medication, terminology, rules)
    amount = dispense.get("quantity", {})
    quantity, unit = number(amount.get("value")), str(amount.get("code") or amount.get("unit", ""))
    setting, antibacterial = setting_of(around.encounter, rules), is_antibacterial(drug, rules)
    counted = antibacterial and setting == "inpatient"
    found = doses(drug, quantity, unit, rules, ddds_on(at.astimezone(ZONE).date())) if counted else None
    place, said = where(dispense, around), str(amount.get("unit") or unit)
    return Dispensing(dispense["id"], at, place, setting, drug, quantity, said, antibacterial, found, around.price)


def where(resource: Json, around: Around | None = None) -> str:
    """The facility: its reference, else the name that the sender gave; of the dispenser, the visit, the record."""
    known = (resource, around.encounter, around.patient) if around else (resource,)
    for one in known:
        if found := facility_of(one) or _display(one):
            return found
    return UNKNOWN_FACILITY


def _display(resource: Json) -> str:
    for name in ("serviceProvider", "managingOrganization"):
        if display := resource.get(name, {}).get("display"):
            return str(display)
    return ""
