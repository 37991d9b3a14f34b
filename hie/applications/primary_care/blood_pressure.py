"""
Blood pressures out of Observations: as a panel with two components, or as two observations of one moment.

http://hl7.org/fhir/R4/bp.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hie.applications.fhir import code_in, concept, decimal, instant, moment
from records.stored import Json
from terminology.service import LOINC

PANEL, SYSTOLIC, DIASTOLIC = "85354-9", "8480-6", "8462-4"
CODES = ("code", ",".join(f"{LOINC}|{code}" for code in (PANEL, SYSTOLIC, DIASTOLIC)))
USABLE = frozenset({"final", "amended", "corrected", "preliminary"})


@dataclass(frozen=True, slots=True)
class Pressure:
    """One measurement, in mmHg, and the Observation it is from."""

    at: datetime
    systolic: Decimal
    diastolic: Decimal
    reference: str


def pressures(observations: Iterable[Json]) -> tuple[Pressure, ...]:
    """Complete measurements, newest first; halves without their other half are left out."""
    values: dict[datetime, dict[str, tuple[Decimal, str]]] = {}
    for observation in observations:
        at = moment(observation.get("effectiveDateTime") or observation.get("effectivePeriod", {}).get("start"))
        if at is None or observation.get("status") not in USABLE:
            continue
        for code, value in _values(observation):
            values.setdefault(at, {})[code] = (value, f"Observation/{observation['id']}")
    complete = [
        Pressure(at, found[SYSTOLIC][0], found[DIASTOLIC][0], found[SYSTOLIC][1])
        for at, found in values.items()
        if SYSTOLIC in found and DIASTOLIC in found
    ]
    return tuple(sorted(complete, key=lambda pressure: pressure.at, reverse=True))


def is_pressure(observation: Json) -> bool:
    """Whether an Observation holds a blood pressure, or half of one."""
    return any(True for _ in _values(observation))


def observation(logical_id: str, patient: str, at: datetime, systolic: Decimal, diastolic: Decimal) -> Json:
    """A measurement as the vital-signs profile wants it."""
    return {
        "resourceType": "Observation",
        "id": logical_id,
        "status": "final",
        "category": [concept("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")],
        "code": concept(LOINC, PANEL, "血压"),
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": instant(at),
        "component": [
            {"code": concept(LOINC, SYSTOLIC, "收缩压"), "valueQuantity": _mmhg(systolic)},
            {"code": concept(LOINC, DIASTOLIC, "舒张压"), "valueQuantity": _mmhg(diastolic)},
        ],
    }


def _mmhg(value: Decimal) -> Json:
    return {"value": value, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}


def _values(resource: Json) -> Iterator[tuple[str, Decimal]]:
    for part in (resource, *resource.get("component", ())):
        code = code_in(part.get("code"), LOINC)
        value = decimal(part.get("valueQuantity", {}).get("value"))
        if code in (SYSTOLIC, DIASTOLIC) and value is not None:
            yield code, value
