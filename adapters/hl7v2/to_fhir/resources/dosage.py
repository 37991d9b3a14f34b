"""
TQ1, RXR and the doses of RXO, RXE, RXG to Dosage: RXE was verified, RXO only asked for.

HL7 v2 chapters 4.5.4 and 4A; https://hl7.org/fhir/R4/dosage.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from adapters.facts import Json
from adapters.hl7v2.message import Segment, Value
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.quantities import decimal, quantity, unit_of
from adapters.hl7v2.to_fhir.sections import Order
from adapters.hl7v2.to_fhir.tables import UCUM
from adapters.hl7v2.to_fhir.text import whole

_DURATION = re.compile(r"([SMHDWL])(\d{1,6})")
_UNITS = {"S": "s", "M": "min", "H": "h", "D": "d", "W": "wk", "L": "mo"}
_DAYS = {"S": 1 / 86400, "M": 1 / 1440, "H": 1 / 24, "D": 1, "W": 7, "L": 30}
_LETTERS = {"s": "S", "min": "M", "h": "H", "hr": "H", "d": "D", "day": "D", "天": "D", "wk": "W", "周": "W", "mo": "L"}
_REPEAT = re.compile(r"Q(\d+)([SMHDW])")
# The abbreviations of table 0335 that say a number of times a day.
_DAILY = {"QD": 1, "BID": 2, "TID": 3, "QID": 4}
_AS_NEEDED = re.compile(r"PRN|必要时", re.IGNORECASE)
# Minimum, maximum, units, instructions, special instructions: by segment.
_FIELDS = {"RXE": (3, 4, 5, 7, 21), "RXO": (2, 3, 4, 6, 7), "RXG": (5, 6, 7, 13, 9)}


def amount(segment: Segment, number: int, unit: int) -> Json:
    """A number and its unit in two fields, as Quantity."""
    return quantity(segment.text(number), unit_of(segment[unit]))


def dosages(draft: Draft, order: Order, segment: Segment) -> list[Json]:
    """One Dosage a timing, numbered where there are several; `segment` is the RXE, RXO or RXG that has the dose."""
    times = timings(order)
    told = [dose for tq1 in times or [Segment("TQ1", ())] if (dose := _dosage(draft, order, segment, tq1))]
    return [{"sequence": at, **dose} for at, dose in enumerate(told, start=1)] if len(told) > 1 else told


def timings(order: Order) -> Sequence[Segment]:
    """The TQ1 behind RXE, which are those that were verified; else those of the order."""
    listed, verified = order.all("TQ1"), order.first("RXE").number
    return [tq1 for tq1 in listed if verified and tq1.number > verified] or listed


def _dosage(draft: Draft, order: Order, segment: Segment, tq1: Segment) -> Json:
    least, most, unit, instruction, special = _FIELDS.get(segment.name, (0, 0, 0, 0, 0))
    low, high = amount(segment, least, unit), amount(segment, most, unit)
    dose = {"doseRange": {"low": low, "high": high}} if low and high and low != high else {"doseQuantity": low or high}
    rate = amount(segment, 23, 24) if segment.name == "RXE" else {}
    told = segment[instruction]
    rxr = order.last("RXR")
    return prune(  # type: ignore[no-any-return]
        {
            "text": " ".join(filter(None, (told[2] or told[1], tq1.text(11)))),
            "additionalInstruction": [more] if (more := field_concept(draft, segment, special)) else [],
            "timing": _timing(draft, order, tq1),
            "asNeededBoolean": True if _AS_NEEDED.search(tq1.text(3) or frequency(order, tq1)[0]) else None,
            "route": field_concept(draft, rxr, 1, table="0162"),
            "site": field_concept(draft, rxr, 2),
            "method": field_concept(draft, rxr, 4, table="0165"),
            "doseAndRate": [{**dose, "rateQuantity": rate}] if low or high or rate else [],
        }
    )


def frequency(order: Order, tq1: Segment) -> tuple[str, str, str, str]:
    """Repeat pattern, duration, start and end: of TQ1, else of the TQ in RXE-1, RXG-3, RXO-... or ORC-7."""
    if tq1.fields:
        unit = tq1[6].part(2)[1]
        return tq1.text(3), _as_duration(tq1.text(6), unit), tq1.text(7), tq1.text(8)
    old: Value = order.first("RXE")[1] or order.first("RXG")[3] or order.first("ORC")[7]
    return old[2], old[3], old[4], old[5]


def _as_duration(number: str, unit: str) -> str:
    """TQ1-6 (`7^d`) in the form of TQ-3 (`D7`)."""
    letter = _LETTERS.get(unit.lower(), "")
    return f"{letter}{number}" if letter and number.isdecimal() else ""


def _timing(draft: Draft, order: Order, tq1: Segment) -> Json:
    pattern, duration, start, end = frequency(order, tq1)
    bounds = prune({"start": draft.times.date_time(start), "end": draft.times.date_time(end)})
    spans = _DURATION.fullmatch(duration.strip().upper())
    length = (
        {"value": decimal(spans[2]), "unit": _UNITS[spans[1]], "system": UCUM, "code": _UNITS[spans[1]]}
        if spans
        else {}
    )
    repeat = {"boundsPeriod": bounds} if bounds else {"boundsDuration": length}
    times = whole(tq1.text(14), least=1)
    counted = {"count": times} if times else {}
    return prune({"repeat": repeat | counted | _repeat(pattern), "code": {"text": pattern}})  # type: ignore[no-any-return]


def _repeat(pattern: str) -> Json:
    written = pattern.strip().upper()
    if times := _DAILY.get(written):
        return {"frequency": times, "period": 1, "periodUnit": "d"}
    if match := _REPEAT.fullmatch(written):
        every = whole(match[1], least=1)
        return {"frequency": 1, "period": every, "periodUnit": _UNITS[match[2]]} if every else {}
    return {"frequency": 1, "period": 2, "periodUnit": "d"} if written == "QOD" else {}


def days(order: Order) -> Json:
    """Days of supply, from the duration of the order; FHIR counts them in days."""
    first = next(iter(timings(order)), Segment("TQ1", ()))
    spans = _DURATION.fullmatch(frequency(order, first)[1].strip().upper())
    if spans is None or int(spans[2]) * _DAYS[spans[1]] < 1:
        return {}
    return {"value": int(int(spans[2]) * _DAYS[spans[1]]), "unit": "d", "system": UCUM, "code": "d"}
