"""
Observation.value[x] to OBX-2, OBX-5 and OBX-6: numbers exactly as they are kept, "1.50" stays 1.50.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-obx-to-observation.html, read backwards
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from adapters.facts import Json
from adapters.hl7v2.from_fhir.codes import concept
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.shapes import in_table
from adapters.hl7v2.from_fhir.times import dtm, time_of_day
from adapters.hl7v2.from_fhir.writing import Field, Repetition
from adapters.hl7v2.to_fhir.tables import UCUM


@dataclass(frozen=True, slots=True)
class Told:
    """OBX-2, OBX-5, OBX-6; all empty where there is no value."""

    kind: str = ""
    value: Field = ""
    unit: Repetition = ""


def told(element: Json, receiver: Receiver) -> Told:
    """The value of an Observation or of one of its components."""
    for name, found in element.items():
        if name.startswith("value") and name != "valueSet":
            return _told(name.removeprefix("value"), found, receiver)
    return Told()


def _told(choice: str, found: Any, receiver: Receiver) -> Told:
    match choice:
        case "Quantity":
            return _quantity(found)
        case "CodeableConcept":
            return Told(coded(receiver), concept(found))
        case "Integer":
            return Told("NM", str(found))
        case "Boolean":
            return Told(coded(receiver), ("Y", "Yes", "HL70136") if found else ("N", "No", "HL70136"))
        case "Range":
            low, high = found.get("low", {}), found.get("high", {})
            return Told("SN", ("", number(low), "-", number(high)), unit(low or high))
        case "Ratio":
            return _ratio(found)
        case "DateTime":
            return _date_time(found, receiver)
        case "Time":
            return Told("TM", time_of_day(found))
        case "Period":
            return Told("ST", "/".join(str(found.get(one, "")) for one in ("start", "end")))
        case "SampledData":
            return Told("ST", str(found.get("data", "")), unit(found.get("origin", {})))
    return Told("TX" if "\n" in str(found) else "ST", str(found))


def coded(receiver: Receiver) -> str:
    """CWE, or CE where table 0125 of the version has no other."""
    return "CWE" if in_table(receiver.grammar, "HL70125", "CWE") and receiver.since("2.5") else "CE"


def _quantity(found: Json) -> Told:
    if comparator := found.get("comparator"):
        return Told("SN", (str(comparator), number(found)), unit(found))
    if "value" not in found:
        return Told()
    return Told("NM", number(found), unit(found))


def _ratio(found: Json) -> Told:
    first, second = found.get("numerator", {}), found.get("denominator", {})
    return Told("SN", (str(first.get("comparator", "")), number(first), ":", number(second)), unit(first))


def _date_time(found: str, receiver: Receiver) -> Told:
    if len(found) == 10:
        return Told("DT", dtm(found))
    return Told("DTM" if receiver.since("2.6") else "TS", dtm(found))


def number(quantity: Json) -> str:
    """Digits as they are kept; HL7's NM has no exponent."""
    value = quantity.get("value", "")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def unit(quantity: Json) -> Repetition:
    """The unit as CE: a UCUM code with the unit as written, or the text alone."""
    text, code = str(quantity.get("unit", "")), str(quantity.get("code", ""))
    if quantity.get("system") == UCUM and code:
        return (code, text or code, "UCUM")
    return text or code
