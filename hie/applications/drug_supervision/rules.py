"""
Defined daily doses, decided: how many a dispensing is worth, and which rows cannot be counted.

Specification: region-1251 section 5, MED-02 and MED-04. DDD: https://atcddd.fhi.no/ddd/definition_and_general_considera/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from hie.applications.rule_data import Rules, rule_book

Problem = Literal[
    "", "unmapped-drug", "unknown-essential", "missing-ddd", "unknown-route", "missing-strength", "missing-quantity",
    "unit-mismatch", "unit-error", "unknown-setting", "missing-price", "missing-admission", "never-ended",
]  # fmt: skip
Level = Literal["primary", "secondary", "tertiary"]
_MASS = {
    "kg": Decimal(1000), "g": Decimal(1), "mg": Decimal("0.001"), "ug": Decimal("0.000001"),
    "mcg": Decimal("0.000001"), "μg": Decimal("0.000001"), "µg": Decimal("0.000001"), "ng": Decimal("0.000000001"),
    "克": Decimal(1), "毫克": Decimal("0.001"), "微克": Decimal("0.000001"),
}  # fmt: skip
_UNITS = {
    "U": Decimal(1), "IU": Decimal(1), "[iU]": Decimal(1), "单位": Decimal(1), "万U": Decimal(10_000),
    "万单位": Decimal(10_000), "MU": Decimal(1_000_000), "MIU": Decimal(1_000_000), "10*6.[iU]": Decimal(1_000_000),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drug:
    """
    What is known of a dispensed drug. `key` tells varieties apart; `essential` is None where nobody knows.

    `mapped` is False for a drug known by a local code or by words alone; `form` is the unit that `strength` is of.
    """

    key: str
    name: str = ""
    atc: str = ""
    mapped: bool = True
    essential: bool | None = None
    level: int = 0
    route: str = ""
    strength: Decimal | None = None
    strength_unit: str = ""
    form: str = ""


@dataclass(frozen=True, slots=True)
class Doses:
    """The doses of one dispensing, or why they cannot be counted."""

    ddds: Decimal = Decimal(0)
    problem: Problem = ""


def rules_on(day: date) -> Rules:
    """Limits and readings in force on a day."""
    return rule_book("drug_supervision", "supervision").at(day)


def ddds_on(day: date) -> Rules:
    """The edition of the ATC/DDD index in force on a day."""
    return rule_book("drug_supervision", "ddd").at(day)


def is_antibacterial(drug: Drug, rules: Rules) -> bool:
    """Systemic antibacterials: by ATC, or graded by the catalogue."""
    return drug.atc.startswith(tuple(rules["antibacterial_atc"])) or drug.level > 0


def doses(drug: Drug, quantity: Decimal | None, unit: str, rules: Rules, index: Rules) -> Doses:
    """How many DDDs a quantity holds; a row of more than the limit is a unit error and is not counted."""
    defined, problem = defined_dose(drug, index)
    if defined is None:
        return Doses(problem=problem)
    if quantity is None:
        return Doses(problem="missing-quantity")
    amount, problem = _amount(drug, quantity, unit, str(defined["unit"]), rules, index)
    if amount is None:
        return Doses(problem=problem)
    count = amount / Decimal(defined["value"])
    return Doses(problem="unit-error") if abs(count) > rules["unit_error_above_ddds"] else Doses(count)


def defined_dose(drug: Drug, index: Rules) -> tuple[Mapping[str, str] | None, Problem]:
    """The DDD of a drug by its route; without a route only where all routes agree."""
    rows: Sequence[Mapping[str, str]] = index["ddd"].get(drug.atc, ())
    if not rows:
        return None, "missing-ddd"
    fitting = [row for row in rows if row["route"] == drug.route] if drug.route else list(rows)
    if not fitting:
        return None, "missing-ddd"
    if len({(row["value"], row["unit"]) for row in fitting}) > 1:
        return None, "unknown-route"
    return fitting[0], ""


def essential_target(level: str, rules: Rules) -> int | None:
    """The share of varieties that an institution of this level (等级, as the directory writes it) should reach."""
    known = rules["levels"].get(level)
    return int(rules["essential_variety_percent"][known]) if known else None


def _amount(
    drug: Drug, quantity: Decimal, unit: str, target: str, rules: Rules, index: Rules
) -> tuple[Decimal | None, Problem]:
    """The quantity in the unit of the DDD: by mass where the unit is one, else single items times strength."""
    direct = convert(quantity, unit, target, drug.atc, index)
    if direct is not None:
        return direct, ""
    if not is_single(unit, drug, rules):
        return None, "unit-mismatch"
    if drug.strength is None:
        return None, "missing-strength"
    amount = convert(quantity * drug.strength, drug.strength_unit, target, drug.atc, index)
    return amount, "" if amount is not None else "unit-mismatch"


def is_single(unit: str, drug: Drug, rules: Rules) -> bool:
    """Whether one of this unit is what the strength speaks of: a tablet is, a box of unknown size is not."""
    word = rules["unit_words"].get(unit.casefold(), unit)
    return bool(word) and word in (drug.form, *rules["single_units"])


def convert(value: Decimal, unit: str, target: str, atc: str = "", index: Rules | None = None) -> Decimal | None:
    """A value in another unit of the same kind; None where there is no way. Units of activity by substance."""
    if unit == target:
        return value
    for table in (_MASS, _UNITS):
        if unit in table and target in table:
            return value * table[unit] / table[target]
    if index is None or unit not in _UNITS or target not in _MASS:
        return None
    return _from_activity(value * _UNITS[unit], target, atc, index)


def _from_activity(units: Decimal, target: str, atc: str, index: Rules) -> Decimal | None:
    for row in index["international_units"]:
        if row["atc"] == atc:
            return convert(units / Decimal(row["units"]) * Decimal(row["mass"]), row["unit"], target)
    return None


def number(value: Any) -> Decimal | None:
    """A number of rule data or of a resource; None where there is none."""
    return None if value in (None, "") or isinstance(value, bool) else Decimal(str(value))
