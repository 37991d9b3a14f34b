"""
Observation to OBX and NTE; notes; specimens.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-obx-to-observation.html, read backwards
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import count

from adapters.facts import Json
from adapters.hl7v2.from_fhir.codes import V2, concept, table_code
from adapters.hl7v2.from_fhir.identifiers import ei_inside, hd
from adapters.hl7v2.from_fhir.names import Resources, xcns
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.shapes import in_table
from adapters.hl7v2.from_fhir.times import dtm
from adapters.hl7v2.from_fhir.values import Told, number, told
from adapters.hl7v2.from_fhir.writing import Field, Line, Repetition

_INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"


def observations(found: Sequence[Json], resources: Resources, receiver: Receiver) -> list[Line]:
    """OBX of each Observation with its notes; several of one code are told apart by OBX-4."""
    lines, numbers = list[Line](), count(1)
    codes = Counter(_name(one) for one in found)
    seen: Counter[Repetition] = Counter()
    for one in found:
        name = _name(one)
        seen[name] += 1
        sub = str(seen[name]) if codes[name] > 1 else ""
        lines += _observation(one, sub, numbers, resources, receiver)
        lines += notes(one.get("note", ()))
    return lines


def _name(observation: Json) -> Repetition:
    return concept(observation.get("code"))


def _observation(one: Json, sub: str, numbers: count[int], resources: Resources, receiver: Receiver) -> list[Line]:
    parts = one.get("component", [])
    own = told(one, receiver)
    if parts and all(part.get("code") == one.get("code") and "valueCodeableConcept" in part for part in parts):
        # Several answers to one question were one OBX that repeats its value.
        answers = [concept(part["valueCodeableConcept"]) for part in parts]
        own, parts = Told(told(parts[0], receiver).kind, answers), []
    lines = [obx(next(numbers), one, own, sub, resources, receiver)] if own.value or not parts else []
    for place, part in enumerate(parts, 1):
        inner = {**part, **{name: one[name] for name in ("status", "effectiveDateTime", "performer") if name in one}}
        lines.append(obx(next(numbers), inner, told(part, receiver), f"{sub or 1}.{place}", resources, receiver))
    return lines


def obx(at: int, one: Json, value: Told, sub: str, resources: Resources, receiver: Receiver) -> Line:
    """One OBX."""
    performers = one.get("performer", [])
    return Line(
        "OBX",
        {
            1: str(at),
            2: value.kind or ("ST" if receiver.since("2.7") or not receiver.since("2.4") else ""),
            3: concept(one.get("code")),
            4: sub or ("1" if receiver.grammar in ("2.3.1", "2.7") else ""),  # required in these
            5: value.value,
            6: value.unit,
            7: _range(one),
            8: _interpretations(one, receiver),
            11: table_code("0085", one.get("status", ""), "F"),
            14: dtm(one.get("effectiveDateTime") or one.get("effectivePeriod", {}).get("start", "")),
            16: [*xcns(performers, resources, receiver)],
            17: concept(one.get("method")),
            20: concept(one.get("bodySite")),
            23: _laboratory(performers, receiver),
        },
    )


def _range(one: Json) -> str:
    found: Json = next(iter(one.get("referenceRange", ())), {})
    if text := found.get("text"):
        return str(text)
    low, high = number(found.get("low", {})), number(found.get("high", {}))
    return f"{low}-{high}" if low and high else f">={low}" if low else f"<={high}" if high else ""


def _interpretations(one: Json, receiver: Receiver) -> list[Repetition]:
    """Table 0078; it is a table of HL7 until 2.3.1, and open to users later."""
    found: list[Repetition] = []
    for item in one.get("interpretation", ()):
        codes = [c.get("code", "") for c in item.get("coding", ()) if c.get("system") == _INTERPRETATION]
        said = str(next(iter(codes), item.get("text", "")))
        if said and (receiver.since("2.4") or in_table(receiver.grammar, "HL70078", said)):
            found.append(said)
    return found


def _laboratory(performers: Sequence[Json], receiver: Receiver) -> Field:
    """An organization that is named by number or name, not the source itself."""
    for one in performers:
        number = one.get("identifier", {})
        if number.get("value") and not one.get("reference"):
            authority = hd(str(number.get("system", "")), receiver)
            return (str(one.get("display", "")), "", "", "", "", authority, "", "", "", str(number["value"]))
    return ""


def notes(found: Iterable[Json]) -> list[Line]:
    """NTE of each line of each note."""
    lines = [line for one in found for line in str(one.get("text", "")).split("\n") if line]
    return [Line("NTE", {1: str(at), 3: line}) for at, line in enumerate(lines, 1)]


def specimens(found: Iterable[Json], receiver: Receiver) -> list[Line]:
    """SPM of each Specimen."""
    return [_specimen(at, one, receiver) for at, one in enumerate(found, 1)]


def _specimen(at: int, one: Json, receiver: Receiver) -> Line:
    placer: Json = next(iter(one.get("identifier", ())), {})
    collection = one.get("collection", {})
    period = collection.get("collectedPeriod", {})
    taken = (dtm(period.get("start", "")), dtm(period.get("end", ""))) if period else dtm(
        collection.get("collectedDateTime", "")
    )
    return Line(
        "SPM",
        {
            1: str(at),
            2: (ei_inside(placer, receiver), ei_inside(one.get("accessionIdentifier", {}), receiver)),
            4: concept(one.get("type"), prefer=f"{V2}0487") or ("", "not named"),
            7: concept(collection.get("method")),
            8: concept(collection.get("bodySite")),
            14: [str(note.get("text", "")) for note in one.get("note", ())],
            17: taken,
            18: dtm(one.get("receivedTime", "")),
            24: [item for condition in one.get("condition", ()) if (item := concept(condition))],
        },
    )
