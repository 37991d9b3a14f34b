"""
OBX-5 by its type OBX-2: the value[x] of an Observation.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-obx-to-observation.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from adapters.facts import Json
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import concept
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.quantities import (
    compared,
    composite,
    decimal,
    quantity,
    reference_range,
    structured,
    unit_of,
)
from adapters.hl7v2.to_fhir.text import whole_text
from adapters.hl7v2.to_fhir.times import time_of_day

_CODED = frozenset({"CE", "CWE", "CNE", "CF", "IS", "ID"})
TEXT = frozenset({"TX", "FT", "ST"})
# Further repetitions of these are answers of their own; of text they are lines, of NA and MA dimensions.
_REPEATABLE = frozenset({*_CODED, "NM", "SN", "TS", "DT", "DTM", "TM", "CQ", "NR", "DR"})
# Not values but documents: they go to the report's presented form.
ATTACHMENTS = frozenset({"ED", "RP"})


def value(draft: Draft, obx: Segment) -> Json:
    """The value element(s) of an OBX; a value that is not of its declared type is kept as text, and counted."""
    read = _READERS.get(obx.text(2).strip().upper(), _text)
    found = read(draft, obx) if obx.all(5) else {}
    if not found and (text := whole_text(obx, 5)):
        draft.lost(obx, 5)
        draft.remark("OBX-5 is not of the type that OBX-2 says; kept as text")
        return {"valueString": text}
    return prune(found)  # type: ignore[no-any-return]


def components(draft: Draft, obx: Segment, code: Json) -> list[Json]:
    """Further answers of one OBX (OBX-5 repeats): FHIR has room for one value, the others are components."""
    kind = obx.text(2).strip().upper()
    if kind not in _REPEATABLE or len(obx.all(5)) < 2:
        return []
    answers = (value(draft, _only(obx, at)) for at in range(len(obx.fields[4])))
    return [{"code": code, **answer} for answer in answers if answer]


def _only(obx: Segment, at: int) -> Segment:
    """The same OBX with one repetition of its value."""
    return replace(obx, fields=(*obx.fields[:4], (obx.fields[4][at],), *obx.fields[5:]), raw_fields=())


def _number(draft: Draft, obx: Segment) -> Json:
    unit, text = unit_of(obx[6]), obx.text(5)
    if found := quantity(text, unit) or compared(text, unit):
        return {"valueQuantity": found}
    return {}


def _structured(draft: Draft, obx: Segment) -> Json:
    choice, content = structured(obx[5], unit_of(obx[6]))
    if choice:
        return {f"value{choice}": content}
    return {"valueString": "".join(part for component in obx[5].components for part in component)}


def _coded(draft: Draft, obx: Segment) -> Json:
    return {"valueCodeableConcept": concept(draft, obx[5], "OBX-5")}


def _text(draft: Draft, obx: Segment) -> Json:
    """Text; a number with a unit is a measurement, though its sender said ST, as many laboratories do."""
    text = whole_text(obx, 5)
    if obx.text(2).strip().upper() == "ST" and obx.text(6) and (decimal(text) is not None or compared(text, {})):
        return _number(draft, obx)
    return {"valueString": text}


def _date_time(draft: Draft, obx: Segment) -> Json:
    when = draft.times.date_time(obx.text(5))
    return {"valueDateTime": when} if when else {}


def _time(draft: Draft, obx: Segment) -> Json:
    when = time_of_day(obx.text(5))
    return {"valueTime": when} if when else {}


def _composite(draft: Draft, obx: Segment) -> Json:
    found = composite(obx[5])
    return {"valueQuantity": found} if found else {}


def _range(draft: Draft, obx: Segment) -> Json:
    unit = unit_of(obx[6])
    limits = prune({"low": quantity(obx.text(5), unit), "high": quantity(obx.text(5, 2), unit)})
    return {"valueRange": limits} if limits else {}


def _period(draft: Draft, obx: Segment) -> Json:
    span = prune({"start": draft.times.date_time(obx.text(5)), "end": draft.times.date_time(obx.text(5, 2))})
    return {"valuePeriod": span} if span else {}


def _sampled(draft: Draft, obx: Segment) -> Json:
    """NA, MA: one dimension a repetition. OBX gives no sampling period; 0 says that it is not known."""
    rows = [[component[0] for component in row.components if component] for row in obx.all(5)]
    if not rows or any(decimal(number) is None for row in rows for number in row):
        return {}
    columns = max(map(len, rows))
    data = " ".join(row[at] if at < len(row) else "E" for at in range(columns) for row in rows)
    return {
        "valueSampledData": {
            "origin": quantity("0", unit_of(obx[6])),
            "period": decimal("0"),
            "dimensions": len(rows),
            "data": data,
        }
    }


_READERS: dict[str, Callable[[Draft, Segment], Json]] = {
    "NM": _number,
    "SN": _structured,
    "TS": _date_time,
    "DT": _date_time,
    "DTM": _date_time,
    "TM": _time,
    "CQ": _composite,
    "NR": _range,
    "DR": _period,
    "NA": _sampled,
    "MA": _sampled,
    **dict.fromkeys(_CODED, _coded),
    **dict.fromkeys(TEXT, _text),
}


def ranges(obx: Segment) -> list[Json]:
    """OBX-7."""
    # Unescaped, the `~` of `3.5~5.5` divides repetitions.
    found = reference_range(whole_text(obx, 7).replace("\n", "~"), unit_of(obx[6]))
    return [found] if found else []
