"""
Results as a resident reads them: value, unit, range, and in a word how the value lies. Pure.

https://hl7.org/fhir/R4/observation.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from hie.ui import Tag
from portal.concepts import Json, codings, facility_of, patient_of, time_of, words
from portal.plain import Term, term
from portal.words import INTERPRETATIONS, MARKS

RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
ATTENTION = ("abnormal", "high", "low")


@dataclass(frozen=True, slots=True)
class Reading:
    """
    One value. `id` is the Observation's, `key` tells which test it is, `mark` one of normal, high, low, abnormal or
    empty, `number` None where the value is words.
    """

    id: str
    key: str
    term: Term
    value: str
    unit: str
    when: str
    patient: str = ""
    place: str = ""
    number: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    range: str = ""
    mark: str = ""

    @property
    def tag(self) -> Tag:
        return MARKS[self.mark]

    @property
    def attention(self) -> bool:
        return self.mark in ATTENTION


def readings(observation: Json) -> list[Reading]:
    """The values of an observation: its own, or those of its parts."""
    own = _reading(observation, observation)
    parts = [_reading(observation, part) for part in observation.get("component", ())]
    return [one for one in ([own] if own.value else parts) if one.value]


def latest(observations: Iterable[Json]) -> list[Reading]:
    """The latest value of each test; what needs attention comes first, then the newest."""
    found: dict[str, Reading] = {}
    for one in (one for observation in observations for one in readings(observation)):
        if one.key not in found or one.when > found[one.key].when:
            found[one.key] = one
    ordered = sorted(found.values(), key=lambda one: one.when, reverse=True)
    return sorted(ordered, key=lambda one: not one.attention)


def series(observations: Iterable[Json], key: str) -> list[Reading]:
    """The values of one test, oldest first."""
    found = (one for observation in observations for one in readings(observation))
    return sorted((one for one in found if one.key == key), key=lambda one: one.when)


def drawable(values: Sequence[Reading]) -> list[Reading]:
    """Of a series, what fits into one picture: numbers in the unit of the latest."""
    numbers = [one for one in values if one.number is not None]
    return [one for one in numbers if one.unit == numbers[-1].unit]


def placed(values: Iterable[Reading], places: dict[str, str]) -> Iterator[Reading]:
    """With the facility of the source where the result names none."""
    for one in values:
        yield one if one.place else replace(one, place=places.get(one.patient, ""))


def _reading(observation: Json, part: Json) -> Reading:
    value, unit, number = _value(part)
    low, high, text = _range(part)
    return Reading(
        str(observation.get("id", "")),
        _key(observation, part),
        term(part.get("code")),
        value,
        unit,
        time_of(observation),
        patient_of(observation),
        facility_of(observation),
        number,
        low,
        high,
        text,
        _mark(part, number, low, high),
    )


def _key(observation: Json, part: Json) -> str:
    system, code = next(codings(part.get("code")), ("", words(part.get("code"))))
    return f"{system}|{code}"


def _value(part: Json) -> tuple[str, str, Decimal | None]:
    if quantity := part.get("valueQuantity"):
        number = quantity.get("value")
        shown = f"{quantity.get('comparator', '')}{'' if number is None else number}"
        return shown, unit_of(str(quantity.get("unit") or quantity.get("code") or "")), _number(number)
    if "valueCodeableConcept" in part:
        return words(part["valueCodeableConcept"]), "", None
    if "valueInteger" in part:
        return str(part["valueInteger"]), "", Decimal(part["valueInteger"])
    for name in ("valueString", "valueDateTime", "valueTime"):
        if part.get(name):
            return str(part[name]), "", None
    return words(part.get("dataAbsentReason")), "", None


def unit_of(text: str) -> str:
    """A unit as it is printed: 10^9/L is 10⁹/L, umol/L is μmol/L."""
    raised = re.sub(r"\^(\d+)", lambda found: found[1].translate(RAISED), text)
    return re.sub(r"^u(?=mol|g|L)", "μ", raised)


def _range(part: Json) -> tuple[Decimal | None, Decimal | None, str]:
    for found in part.get("referenceRange", ()):
        low, high = (_number(found.get(side, {}).get("value")) for side in ("low", "high"))
        if low is not None and high is not None:
            return low, high, f"{low}–{high}"
        if low is not None or high is not None:
            return low, high, f"≥ {low}" if high is None else f"≤ {high}"
        if found.get("text"):
            return None, None, str(found["text"])
    return None, None, ""


def _mark(part: Json, number: Decimal | None, low: Decimal | None, high: Decimal | None) -> str:
    said = [code for concept in part.get("interpretation", ()) for _, code in codings(concept)]
    if found := next((INTERPRETATIONS[code] for code in said if code in INTERPRETATIONS), ""):
        return found
    if number is None or (low is None and high is None):
        return ""
    if high is not None and number > high:
        return "high"
    return "low" if low is not None and number < low else "normal"


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))
