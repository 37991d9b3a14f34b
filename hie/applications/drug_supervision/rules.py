"""
Defined daily doses, decided: how many a dispense is worth, and which rows cannot be counted.

Specification: region-1251 section 5, MED-02 and MED-04. DDD: https://atcddd.fhi.no/ddd/definition_and_general_considera/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from hie.applications.rule_data import Rules

Problem = Literal["", "missing-ddd", "missing-quantity", "unit-mismatch", "unit-error"]
_MASS = {"kg": Decimal(1000), "g": Decimal(1), "mg": Decimal("0.001"), "ug": Decimal("0.000001")}
_UNITS = {"U": Decimal(1), "IU": Decimal(1), "[iU]": Decimal(1), "MU": Decimal(1_000_000)}


@dataclass(frozen=True, slots=True)
class Drug:
    """What the catalogue knows of a dispensed drug; `ddd` None where none is defined."""

    code: str
    atc: str = ""
    name: str = ""
    essential: bool = False
    antibiotic_level: int = 0
    ddd: Decimal | None = None
    ddd_unit: str = ""
    strength: Decimal | None = None
    strength_unit: str = ""


@dataclass(frozen=True, slots=True)
class Doses:
    """The doses of one dispense, or why they cannot be counted."""

    ddds: Decimal = Decimal(0)
    problem: Problem = ""


def doses(drug: Drug, quantity: Decimal | None, unit: str, rules: Rules) -> Doses:
    """How many DDDs a quantity holds; a row of more than the limit is a unit error and is not counted."""
    if drug.ddd is None or drug.ddd <= 0:
        return Doses(problem="missing-ddd")
    if quantity is None:
        return Doses(problem="missing-quantity")
    amount = _amount(drug, quantity, unit)
    if amount is None:
        return Doses(problem="unit-mismatch")
    count = amount / drug.ddd
    return Doses(count, "unit-error" if count > rules["unit_error_above_ddds"] else "")


def is_antibacterial(drug: Drug) -> bool:
    """Systemic antibacterials: ATC J01, or graded by the catalogue."""
    return drug.atc.startswith("J01") or drug.antibiotic_level > 0


def drug_from(code: str, properties: Mapping[str, Any], name: str) -> Drug:
    """A drug of the regional catalogue, from its terminology properties."""
    return Drug(
        code,
        properties.get("atc", ""),
        name,
        bool(properties.get("essential")),
        int(properties.get("antibiotic_level", 0)),
        _decimal(properties.get("ddd")),
        properties.get("ddd_unit", ""),
        _decimal(properties.get("strength")),
        properties.get("strength_unit", ""),
    )


def drug_from_atc(code: str, properties: Mapping[str, Any], name: str, route: str = "") -> Drug:
    """A drug known by its ATC code alone: its DDD depends on the route, and is unknown where routes disagree."""
    defined = [row for row in properties.get("ddd", ()) if not route or row["route"] == route]
    agreed = {(row["value"], row["unit"]) for row in defined}
    value, unit = agreed.pop() if len(agreed) == 1 else (None, "")
    essential, level = bool(properties.get("essential")), int(properties.get("antibiotic_level", 0))
    return Drug(code, code, name, essential, level, _decimal(value), unit)


def _amount(drug: Drug, quantity: Decimal, unit: str) -> Decimal | None:
    """The quantity in the unit of the DDD: by mass where the unit is one, else packs times strength."""
    direct = convert(quantity, unit, drug.ddd_unit)
    if direct is not None:
        return direct
    if unit in _MASS or unit in _UNITS or drug.strength is None:
        return None
    return convert(quantity * drug.strength, drug.strength_unit, drug.ddd_unit)


def convert(value: Decimal, unit: str, target: str) -> Decimal | None:
    """A value in another unit of the same kind; None where there is no way."""
    if unit == target:
        return value
    for table in (_MASS, _UNITS):
        if unit in table and target in table:
            return value * table[unit] / table[target]
    return None


def _decimal(value: Any) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value))
