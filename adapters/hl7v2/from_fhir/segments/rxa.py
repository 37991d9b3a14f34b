"""
Immunization to ORC, RXA, RXR and OBX.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-rxa-to-immunization.html, read backwards
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.from_fhir.codes import V2, code_of, concept, concepts, table_code
from adapters.hl7v2.from_fhir.names import Resources, xcn
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.segments.obr import numbers
from adapters.hl7v2.from_fhir.segments.obx import notes
from adapters.hl7v2.from_fhir.times import day, dtm
from adapters.hl7v2.from_fhir.values import coded, number, unit
from adapters.hl7v2.from_fhir.writing import Field, Line, Repetition

_FUNCTION = f"{V2}0443"
_ELIGIBILITY = ("64994-7", "Vaccine funding program eligibility category", "LN")
_FUNDING = ("30963-3", "Vaccine funding source", "LN")
_DOSE = ("30973-2", "Dose number in series", "LN")
_DOSES = ("59782-3", "Number of doses in primary immunization series", "LN")


def vaccination(found: Json, resources: Resources, receiver: Receiver) -> list[Line]:
    """Everything that is said of one vaccination."""
    at = numbers(found, receiver)
    orderer = _performer(found, "OP", resources, receiver)
    when = dtm(found.get("recorded", ""))
    lines = [Line("ORC", {1: "RE", 2: at[0], 3: at[1], 9: when, 12: orderer}), _rxa(found, resources, receiver)]
    return [*lines, *_rxr(found), *_observations(found, receiver), *notes(found.get("note", ()))]


def _rxa(found: Json, resources: Resources, receiver: Receiver) -> Line:
    when = dtm(found.get("occurrenceDateTime", "")) or "0001"
    dose = found.get("doseQuantity", {})
    status = str(found.get("status", ""))
    return Line(
        "RXA",
        {
            1: "0",
            2: "1",
            3: when,
            4: when,
            5: concept(found.get("vaccineCode")),
            6: number(dose) or "999",
            7: unit(dose),
            9: _source(found),
            10: _performer(found, "AP", resources, receiver),
            11: ("", "", "", str(found.get("location", {}).get("display", ""))),
            15: str(found.get("lotNumber", "")),
            16: day(found.get("expirationDate", "")),
            17: ("", str(found.get("manufacturer", {}).get("display", ""))),
            18: concept(found.get("statusReason")) if status == "not-done" else "",
            19: concepts(found.get("reasonCode")),
            20: _completion(found, status),
            21: "D" if status == "entered-in-error" else "A",
            22: dtm(found.get("recorded", "")),
        },
    )


def _completion(found: Json, status: str) -> str:
    reason = code_of(found.get("statusReason"), f"{V2}0322")
    return reason if status == "not-done" and reason in ("RE", "NA") else table_code("0322", status)


def _source(found: Json) -> Field:
    """RXA-9: new record or history, by the vocabulary of the immunization guide."""
    if found.get("primarySource"):
        return ("00", "New immunization record", "NIP001")
    origin = concept(found.get("reportOrigin"))
    if origin:
        return origin
    return ("01", "Historical information - source unspecified", "NIP001") if "primarySource" in found else ""


def _performer(found: Json, function: str, resources: Resources, receiver: Receiver) -> Repetition:
    for one in found.get("performer", ()):
        codes = [c.get("code") for c in one.get("function", {}).get("coding", ())]
        if function in codes and (person := xcn(one.get("actor", {}), resources, receiver)):
            return person
    return ""


def _rxr(found: Json) -> list[Line]:
    route = concept(found.get("route"), prefer=f"{V2}0162")
    return [Line("RXR", {1: route, 2: concept(found.get("site"), prefer=f"{V2}0163")})] if route else []


def _observations(found: Json, receiver: Receiver) -> list[Line]:
    """What Immunization has elements for and RXA has not."""
    protocol: Json = next(iter(found.get("protocolApplied", ())), {})
    answers: list[tuple[Repetition, str, Field]] = [
        (_ELIGIBILITY, coded(receiver), concept(next(iter(found.get("programEligibility", ())), None))),
        (_FUNDING, coded(receiver), concept(found.get("fundingSource"))),
        (_DOSE, "NM", str(protocol.get("doseNumberPositiveInt", ""))),
        (_DOSES, "NM", str(protocol.get("seriesDosesPositiveInt", ""))),
    ]
    told = [one for one in answers if one[2]]
    return [
        Line("OBX", {1: str(at), 2: kind, 3: name, 4: "1", 5: value, 11: "F"})
        for at, (name, kind, value) in enumerate(told, 1)
    ]
