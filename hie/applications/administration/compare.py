"""
Two sets of source records line by line, and the evidence that a question was kept with. Pure.

Fellegi and Sunter, A Theory for Record Linkage (1969)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hie.applications.administration.match_words import FIELDS, LEVELS
from hie.applications.fhir import name_of
from hie.ui import N_
from hie.ui.filters import masked
from hie.workbench.banner import IDENTITY, SEXES
from records.stored import Json


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the comparison: what each side says, and whether they agree (None: one side is silent)."""

    title: str
    left: Sequence[str]
    right: Sequence[str]

    @property
    def agrees(self) -> bool | None:
        if not self.left or not self.right:
            return None
        return bool(set(self.left) & set(self.right))


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """A field, how well it agrees, and its weight (log2 odds)."""

    title: str
    level: str
    points: Decimal


Comparison = Sequence[Line]


def compare(left: Sequence[Json], right: Sequence[Json]) -> Comparison:
    """Line by line; sexes are words to be translated, everything else as the sources wrote it."""
    takers: tuple[tuple[str, Callable[[Json], list[str]]], ...] = (
        (N_("姓名"), lambda one: [name_of(one)]),
        (N_("性别"), lambda one: [SEXES[one["gender"]]] if one.get("gender") in SEXES else []),
        (N_("出生日期"), lambda one: [str(one.get("birthDate", ""))]),
        (N_("身份证号"), _numbers),
        (N_("电话"), _phones),
        (N_("住址"), _addresses),
        (N_("其他编号"), _others),
    )
    return [Line(title, _values(left, take), _values(right, take)) for title, take in takers]


def _values(records: Sequence[Json], take: Callable[[Json], list[str]]) -> Sequence[str]:
    return tuple(dict.fromkeys(value for record in records for value in take(record) if value))


def _numbers(patient: Json) -> list[str]:
    # Two numbers that differ in one digit must be seen whole by whoever decides.
    return [str(one.get("value", "")) for one in patient.get("identifier", ()) if one.get("system") == IDENTITY]


def _phones(patient: Json) -> list[str]:
    return [str(one.get("value", "")) for one in patient.get("telecom", ()) if one.get("system") == "phone"]


def _others(patient: Json) -> list[str]:
    return [masked(str(one.get("value", ""))) for one in patient.get("identifier", ()) if one.get("system") != IDENTITY]


def _addresses(patient: Json) -> list[str]:
    return [
        str(one.get("text") or "".join((one.get("city", ""), one.get("district", ""), *one.get("line", ()))))
        for one in patient.get("address", ())
    ]


def evidence_lines(evidence: Mapping[str, Any]) -> list[EvidenceLine]:
    """The evidence that a question was kept with, in words; the heaviest first."""
    points = evidence.get("points", {})
    lines = [
        EvidenceLine(FIELDS.get(field, field), LEVELS.get(level, level), Decimal(str(points.get(field, 0))))
        for field, level in evidence.get("levels", {}).items()
    ]
    return sorted(lines, key=lambda line: -abs(line.points))
