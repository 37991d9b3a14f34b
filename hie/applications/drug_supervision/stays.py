"""
Inpatient stays and their bed-days: how many midnights of a window somebody lay in a bed.

Specification: region-1251 section 5, MED-04. https://hl7.org/fhir/R4/encounter.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from hie.applications.drug_supervision.rules import Problem
from hie.applications.fhir import day, patient_of
from hie.applications.rule_data import Rules
from hie.indicators.indicator import Window
from records.stored import Json


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay: from the day of admission to the day of discharge (None: not yet); `told` is when it was last told."""

    id: str
    facility: str
    patient: str
    start: date | None
    end: date | None
    told: date | None = None


def setting_of(encounter: Json, rules: Rules) -> str:
    """`inpatient`, `outpatient`, or empty where the class does not tell."""
    code = str(encounter.get("class", {}).get("code", ""))
    if code in rules["inpatient_classes"]:
        return "inpatient"
    return "outpatient" if code in ("AMB", "EMER", "HH", "VR", "OBSENC", "SS", "PRENC", "FLD") else ""


def stay_of(encounter: Json, facility: str, rules: Rules) -> Stay | None:
    """The stay of an inpatient Encounter; None for one that never took place."""
    if encounter.get("status") in rules["stays_left_out"] or setting_of(encounter, rules) != "inpatient":
        return None
    period = encounter.get("period", {})
    start, end = day(period.get("start")), day(period.get("end"))
    told = day(encounter.get("meta", {}).get("lastUpdated"))
    return Stay(encounter["id"], facility, patient_of(encounter), start, end, told)


def bed_days(stay: Stay, window: Window, today: date, rules: Rules) -> tuple[int, Problem]:
    """Midnights of the window, up to today; and why a stay cannot be counted."""
    if stay.start is None:
        # It belongs to the month of its discharge, or else to the one in which it was told.
        known = stay.end or stay.told
        return 0, "missing-admission" if known and window.holds(known) else ""
    if stay.start >= window.end:
        return 0, ""
    if stay.end is None and (today - stay.start).days > rules["open_stay_days_at_most"]:
        # A discharge that was never told would fill beds for ever and make the density look small.
        return 0, "never-ended"
    end = min(stay.end or today, today)
    if stay.end == stay.start and window.holds(stay.start):
        return int(rules["same_day_stay_bed_days"]), ""
    first, last = max(stay.start, window.start), min(end, window.end)
    return max((last - first) // timedelta(days=1), 0), ""
