"""
RXA with its OBX to Immunization.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-rxa-to-immunization.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import concept, field_concept, field_concepts
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.quantities import quantity, unit_of
from adapters.hl7v2.to_fhir.reconcile.immunizations import given
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.resources.locations import location
from adapters.hl7v2.to_fhir.resources.observation import Around, observations
from adapters.hl7v2.to_fhir.resources.order_numbers import Numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import practitioner
from adapters.hl7v2.to_fhir.sections import Order, Result, note_text
from adapters.hl7v2.to_fhir.tables import look_up, v2_system
from adapters.hl7v2.to_fhir.text import clean, whole

NO_VACCINE = "998"  # CVX: the segment only carries observations
# The American guide lets senders write 9999 where there was no order; it names no vaccination.
_NO_NUMBER = frozenset({"9999", "0"})
_UNKNOWN_DOSE = "999"
_FUNCTION = v2_system("0443")
# LOINC codes of OBX that belong into the Immunization itself.
_ELIGIBILITY, _FUNDING, _DOSE_NUMBER, _DOSES, _SERIES = "64994-7", "30963-3", "30973-2", "59782-3", "59780-7"
# The vaccine information sheet: its publication, its being handed over, its kind, its vaccine.
_SHEET = {"29768-9": "publicationDate", "29769-7": "presentationDate", "69764-9": "documentType", "30956-7": "vaccine"}
_INSIDE = frozenset({_ELIGIBILITY, _FUNDING, _DOSE_NUMBER, _DOSES, *_SHEET} - {"30956-7"})


def immunization(draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers) -> Json:
    """Assert the vaccination of an RXA; with code 998 only its observations."""
    rxa = order.first("RXA")
    around = Around(patient, numbers, visit, effective=draft.date_time(rxa, 3), status="final")
    if rxa.text(5) == NO_VACCINE:
        observations(draft, order.results, around)
        return {}
    action = rxa.text(21).strip().upper()
    made_of = (order.first("ORC"), rxa, order.first("RXR"))
    done = draft.add(stamp(_resource(draft, order, patient, visit, numbers), draft.moment), given(action), of=made_of)
    others = [result for result in order.results if clean(result.obx.text(3)) not in _INSIDE]
    observations(
        draft, others, Around(patient, numbers, visit, effective=around.effective, part_of=(done,), status="final")
    )
    return done


def _status(draft: Draft, rxa: Segment) -> str:
    """RXA-21 D is an error; else RXA-20; without it a reason for refusal tells, and otherwise it was given."""
    if rxa.text(21).strip().upper() == "D":
        return "entered-in-error"
    sent = rxa.text(20).strip()
    status = look_up("0322", sent)
    if sent and not status:
        draft.lost(rxa, 20, sent, v2_system("0322"))
    return status or ("not-done" if rxa.text(18) else "completed")


def _partial(rxa: Segment) -> Json:
    """RXA-20 PA: some of it was given."""
    if rxa.text(20).strip().upper() != "PA":
        return {}
    reason = {"coding": [{"system": v2_system("0322"), "code": "PA", "display": "Partially Administered"}]}
    return {"isSubpotent": True, "subpotentReason": [reason]}


def _resource(draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers) -> Json:
    rxa, rxr = order.first("RXA"), order.first("RXR")
    status, notes = _status(draft, rxa), note_text(order.notes)
    return {
        "resourceType": "Immunization",
        "id": _identity(draft, rxa, numbers),
        "identifier": numbers.identifiers,
        "status": status,
        "statusReason": _reason(draft, rxa) if status == "not-done" else {},
        "vaccineCode": field_concept(draft, rxa, 5, table="0292") or {"text": "not named by the sender"},
        "patient": patient.reference,
        "encounter": visit,
        **_occurrence(draft, rxa),
        "recorded": draft.date_time(rxa, 22) or draft.date_time(order.first("ORC"), 9),
        **_source(draft, rxa),
        "location": location(draft, rxa[27]) or ({"display": place} if (place := _named_place(rxa)) else {}),
        "manufacturer": {"display": maker} if (maker := rxa.text(17, 2) or rxa.text(17)) else {},
        "lotNumber": rxa.text(15),
        "expirationDate": draft.date(rxa, 16),
        "site": field_concept(draft, rxr, 2, table="0163"),
        "route": field_concept(draft, rxr, 1, table="0162"),
        **_partial(rxa),
        "doseQuantity": quantity(rxa.text(6), unit_of(rxa[7])) if rxa.text(6) != _UNKNOWN_DOSE else {},
        "performer": _performers(draft, order),
        "note": [{"text": notes}] if notes else [],
        "reasonCode": field_concepts(draft, rxa, 19),
        **_from_observations(draft, order.results),
    }


def _named_place(rxa: Segment) -> str:
    facility = rxa[11].part(4)
    return facility[1] or rxa.text(11)


def _identity(draft: Draft, rxa: Segment, numbers: Numbers) -> str:
    """
    ORC-3, else ORC-2, else the vaccine and its day: a register without numbers has one dose of it a day.

    A number that several vaccinations of the message share names none of them alone.
    """
    number = (numbers.filler or numbers.placer).get("value", "")
    if number and number not in _NO_NUMBER and _times(draft, number) < 2:
        return numbers.result_id("Immunization")
    day = rxa.text(3)[:8]
    if number and number not in _NO_NUMBER:
        return numbers.result_id("Immunization", rxa.text(5), day)
    return Numbers(numbers.patient, {}, {}, day).result_id("Immunization", rxa.text(5))


def _times(draft: Draft, number: str) -> int:
    """How many vaccinations of the message have this number."""
    found, last = 0, ""
    for segment in draft.message.segments:
        if segment.name == "ORC":
            last = segment.text(3) or segment.text(2)
        elif segment.name == "RXA" and last == number:
            found += 1
    return found


def _reason(draft: Draft, rxa: Segment) -> Json:
    return field_concept(draft, rxa, 18) or {"coding": [{"system": v2_system("0322"), "code": rxa.text(20)}]}


def _occurrence(draft: Draft, rxa: Segment) -> Json:
    when = draft.date_time(rxa, 3)
    return {"occurrenceDateTime": when} if when else {"occurrenceString": "unknown"}


def _source(draft: Draft, rxa: Segment) -> Json:
    """RXA-9: 00 is a new record of the one who gave it; the others report history."""
    notes = [value for value in rxa.all(9) if value[1].isdecimal()]
    if not notes:
        return {}
    if notes[0][1] == "00":
        return {"primarySource": True}
    return {"primarySource": False, "reportOrigin": concept(draft, notes[0], "RXA-9", table="NIP001")}


def _performers(draft: Draft, order: Order) -> list[Json]:
    orc, rxa = order.first("ORC"), order.first("RXA")
    listed = [("AP", value) for value in rxa.all(10)] + [("OP", value) for value in orc.all(12)]
    return [
        {"function": {"coding": [{"system": _FUNCTION, "code": code}]}, "actor": actor}
        for code, value in listed
        if (actor := practitioner(draft, value))
    ]


def _from_observations(draft: Draft, results: list[Result]) -> Json:
    """Eligibility, funding, dose number and information sheets, which OBX carries and Immunization has elements for."""
    found: dict[str, Segment] = {}
    for result in results:
        found.setdefault(clean(result.obx.text(3)), result.obx)
    elements: Json = {}
    if _ELIGIBILITY in found:
        elements["programEligibility"] = [concept(draft, found[_ELIGIBILITY][5], "OBX-5")]
    if _FUNDING in found:
        elements["fundingSource"] = concept(draft, found[_FUNDING][5], "OBX-5")
    if number := _whole(found, _DOSE_NUMBER):
        elements["protocolApplied"] = [{"doseNumberPositiveInt": number} | _series(found)]
    return elements | {"education": _sheets(draft, results)}


def _sheets(draft: Draft, results: list[Result]) -> list[Json]:
    """Each information sheet that was handed over: OBX-4 tells them apart."""
    sheets: dict[str, Json] = {}
    for result in results:
        obx = result.obx
        if element := _SHEET.get(clean(obx.text(3))):
            sheets.setdefault(obx.text(4), {})[element] = _told(draft, obx, element)
    return [_sheet(sheet) for sheet in sheets.values() if sheet.keys() - {"vaccine"}]


def _told(draft: Draft, obx: Segment, element: str) -> str:
    if element.endswith("Date"):
        return draft.times.date_time(obx.text(5))
    return obx.text(5, 2) or obx.text(5)


def _sheet(told: Json) -> Json:
    """R4 imm-1: a sheet is named."""
    name = told.get("documentType") or told.get("vaccine") or "vaccine information"
    return {"documentType": name, **{k: v for k, v in told.items() if k.endswith("Date")}}


def _series(found: dict[str, Segment]) -> Json:
    doses = _whole(found, _DOSES)
    name = found[_SERIES].text(5, 2) or found[_SERIES].text(5) if _SERIES in found else ""
    return {"series": name} | ({"seriesDosesPositiveInt": doses} if doses else {})


def _whole(found: dict[str, Segment], code: str) -> int | None:
    return whole(found[code].text(5), least=1) if code in found else None
