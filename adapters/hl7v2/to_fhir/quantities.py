"""
NM, SN, CQ, NR and units: numbers exactly as sent, "1.50" stays 1.50; units in UCUM when known, their text always.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-nm-to-quantity.html
"""

from __future__ import annotations

import re
from decimal import Decimal

from adapters.facts import Json
from adapters.hl7v2.message import Value
from adapters.hl7v2.to_fhir.tables import UCUM, ucum

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?")
_COMPARED = re.compile(r"(<=|>=|<|>|≤|≥|＜|＞)\s*(\S+)")
_LIMIT = r"([+-]?(?:\d+(?:\.\d+)?|\.\d+))"
# One sign between the limits, or (as many laboratories print it) two.
_RANGES = tuple(
    re.compile(rf"{_LIMIT}\s*{sign}\s*{_LIMIT}", re.IGNORECASE) for sign in ("(?:-|~|～|—|–|_|至|to)", "(?:--|——|~~)")
)
_BRACKETS = re.compile(r"[(\[（【](.+)[)\]）】]")
_COMPARATORS = {"≤": "<=", "≥": ">=", "＜": "<", "＞": ">"}


def decimal(text: str) -> Decimal | None:
    """A number as sent, None when it is none; FHIR wants a digit before the point and none of a leading plus."""
    written = text.strip()
    if len(written) > 40 or not _NUMBER.fullmatch(written):
        return None
    return Decimal(written.rstrip(".") if written.endswith(".") else written)


def unit_of(value: Value) -> Json:
    """OBX-6 or the unit part of a CQ: unit text, and a UCUM code where it is one or is known as one."""
    code, text = value[1].strip(), value[2].strip() or value[1].strip() or value[5].strip() or value[4].strip()
    declared = next((c for c, system in ((code, value[3]), (value[4].strip(), value[6])) if _is_ucum(c, system)), "")
    known = declared or ucum(code) or ucum(text)
    return {"unit": text, **({"system": UCUM, "code": known} if known else {})} if text else {}


def _is_ucum(code: str, system: str) -> bool:
    return bool(code) and system.strip().upper() == "UCUM" and " " not in code


def quantity(number: str, unit: Json, comparator: str = "") -> Json:
    """A Quantity, {} when the text is no number."""
    value = decimal(number)
    if value is None:
        return {}
    return {"value": value, "comparator": _COMPARATORS.get(comparator, comparator), **unit}


def compared(text: str, unit: Json) -> Json:
    """`<0.5` as a Quantity with comparator, {} when it is not of that form."""
    match = _COMPARED.fullmatch(text.strip())
    return quantity(match[2], unit, match[1]) if match else {}


def structured(value: Value, unit: Json) -> tuple[str, Json]:
    """An SN: the choice ("Quantity", "Range", "Ratio", "" when it is none of them) and its content."""
    comparator, first, separator, second = value[1].strip(), value[2].strip(), value[3].strip(), value[4].strip()
    if first and not separator and comparator in ("", "=", "<", ">", "<=", ">="):
        content = quantity(first, unit, comparator.replace("=", "") if comparator == "=" else comparator)
        return ("Quantity", content) if content else ("", {})
    low, high = quantity(first, unit), quantity(second, unit)
    if separator == "-" and low and high and comparator in ("", "="):
        return "Range", {"low": low, "high": high}
    if separator in (":", "/") and low and high:
        numerator = quantity(first, {}, comparator if comparator != "=" else "")
        return "Ratio", {"numerator": numerator, "denominator": quantity(second, {})}
    return "", {}


def reference_range(text: str, unit: Json) -> Json:
    """OBX-7 as referenceRange: limits where they can be read, the text always; {} when empty."""
    written = text.strip()
    if not written:
        return {}
    return {**_limits(_bare(written, unit), unit), "text": written}


def _bare(written: str, unit: Json) -> str:
    """Without brackets around it, and without its unit behind it."""
    bare = _BRACKETS.fullmatch(written)
    inner = bare[1].strip() if bare else written
    name = unit.get("unit", "")
    return inner[: -len(name)].strip() if name and inner.endswith(name) else inner


def _limits(written: str, unit: Json) -> Json:
    if match := _COMPARED.fullmatch(written):
        side = "high" if match[1] in ("<", "<=", "≤", "＜") else "low"
        limit = quantity(match[2], unit)
        return {side: limit} if limit else {}
    readings = {pair for pattern in _RANGES if (m := pattern.fullmatch(written)) and _ordered(pair := (m[1], m[2]))}
    # `-2--1` could be two things: then only its text is kept.
    if len(readings) != 1:
        return {}
    low, high = readings.pop()
    return {"low": quantity(low, unit), "high": quantity(high, unit)}


def _ordered(pair: tuple[str, str]) -> bool:
    low, high = decimal(pair[0]), decimal(pair[1])
    return low is not None and high is not None and low <= high


def composite(value: Value) -> Json:
    """A CQ as Quantity, {} when it has no number; the unit is a CE in component 2."""
    return quantity(value[1], unit_of(value.part(2)))
