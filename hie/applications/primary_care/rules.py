"""
Hypertension follow-up, decided: the class of a visit, danger, referral, and when to come again.

Specification: region-1251 section 3, PHC-03.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from hie.applications.rule_data import Rules

FollowUpClass = Literal["1", "2", "3", "4"]
CONTROLLED: FollowUpClass = "1"
NOT_CONTROLLED: FollowUpClass = "2"
ADVERSE_REACTION: FollowUpClass = "3"
COMPLICATION: FollowUpClass = "4"


@dataclass(frozen=True, slots=True)
class Visit:
    """What a follow-up found. `symptoms` are codes of the form; pressures in mmHg."""

    day: date
    systolic: Decimal
    diastolic: Decimal
    symptoms: tuple[str, ...] = ()
    adverse_reaction: bool = False
    complication: bool = False


@dataclass(frozen=True, slots=True)
class Assessment:
    """The class 1 to 4, what has to be done, and why (codes that the page translates)."""

    code: FollowUpClass
    next_visit: date
    danger: bool = False
    refer: bool = False
    change_medicine: bool = False
    reasons: tuple[str, ...] = ()
    rules: str = ""


def assess(visit: Visit, age: int, previous: Sequence[FollowUpClass], rules: Rules) -> Assessment:
    """Judge one follow-up; `previous` holds the classes of earlier follow-ups, newest first."""
    code = classify(visit, age, rules)
    danger = is_danger(visit, rules)
    repeated = code in "23" and _in_a_row(code, previous) + 1 >= rules["refer_after_consecutive"]
    refer = danger or repeated or code == COMPLICATION
    named = [("danger", danger), ("repeated", repeated), ("complication", code == COMPLICATION)]
    return Assessment(
        code,
        next_visit(visit.day, code, danger=danger, rules=rules),
        danger,
        refer,
        code in "23",
        tuple(name for name, holds in named if holds),
        rules.version,
    )


def classify(visit: Visit, age: int, rules: Rules) -> FollowUpClass:
    """1 控制满意, 2 控制不满意, 3 不良反应, 4 并发症; the graver one where several hold."""
    if visit.complication:
        return COMPLICATION
    if visit.adverse_reaction:
        return ADVERSE_REACTION
    return CONTROLLED if is_controlled(visit, age, rules) else NOT_CONTROLLED


def is_controlled(visit: Visit, age: int, rules: Rules) -> bool:
    """Below the target of the age group."""
    limit = control_limit(age, rules)
    return bool(visit.systolic < limit["systolic"] and visit.diastolic < limit["diastolic"])


def control_limit(age: int, rules: Rules) -> Mapping[str, int]:
    """The pressures that a controlled patient of this age stays below."""
    rows = (row for row in rules["controlled_below"] if row["from_age"] <= age)
    found: Mapping[str, int] = max(rows, key=lambda row: row["from_age"])
    return found


def is_danger(visit: Visit, rules: Rules) -> bool:
    """A pressure or a symptom that must be seen in hospital."""
    limit = rules["danger"]
    high = visit.systolic >= limit["systolic"] or visit.diastolic >= limit["diastolic"]
    return high or any(symptom in rules["danger_symptoms"] for symptom in visit.symptoms)


def next_visit(day: date, code: FollowUpClass, *, danger: bool, rules: Rules) -> date:
    """Three months after a controlled visit, two weeks after any other."""
    if code == CONTROLLED and not danger:
        return add_months(day, rules["next_visit_months_controlled"])
    return day + timedelta(days=rules["next_visit_days_otherwise"])


def age_on(born: date, day: date) -> int:
    """Completed years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def add_months(day: date, months: int) -> date:
    """The same day some months later; the last of the month where there is no such day."""
    year, month = divmod(day.month - 1 + months, 12)
    last = calendar.monthrange(day.year + year, month + 1)[1]
    return date(day.year + year, month + 1, min(day.day, last))


def _in_a_row(code: FollowUpClass, previous: Sequence[FollowUpClass]) -> int:
    count = 0
    for earlier in previous:
        if earlier != code:
            break
        count += 1
    return count
