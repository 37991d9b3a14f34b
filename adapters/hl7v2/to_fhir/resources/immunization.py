"""
RXA with its OBX to Immunization.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-rxa-to-immunization.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import concept, field_concept, field_concepts
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.quantities import quantity, unit_of
from adapters.hl7v2.to_fhir.reconcile.immunizations import given
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.resources.observation import Around, observations
from adapters.hl7v2.to_fhir.resources.order_numbers import Numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import practitioner
from adapters.hl7v2.to_fhir.sections import Order, Result, note_text
from adapters.hl7v2.to_fhir.tables import look_up, v2_system
from adapters.hl7v2.to_fhir.text import whole

NO_VACCINE = "998"  # CVX: the segment only carries observations
_UNKNOWN_DOSE = "999"
_FUNCTION = v2_system("0443")
# LOINC codes of OBX that belong into the Immunization itself.
_ELIGIBILITY, _FUNDING, _DOSE_NUMBER, _DOSES, _PUBLISHED, _PRESENTED = (
    "64994-7",
    "30963-3",
    "30973-2",
    "59782-3",
    "29768-9",
    "29769-7",
)
_INSIDE = frozenset({_ELIGIBILITY, _FUNDING, _DOSE_NUMBER, _DOSES, _PUBLISHED, _PRESENTED})


def immunization(draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers) -> Json:
    """Assert the vaccination of an RXA; with code 998 only its observations."""
    rxa = order.first("RXA")
    around = Around(patient, numbers, visit, effective=draft.date_time(rxa, 3), status="final")
    if rxa.text(5) == NO_VACCINE:
        observations(draft, order.results, around)
        return {}
    moment = draft.times.moment(rxa.text(22)) or draft.moment
    done = draft.add(stamp(_resource(draft, order, patient, visit, numbers), moment), given, moment=moment)
    others = [result for result in order.results if result.obx.text(3) not in _INSIDE]
    observations(
        draft, others, Around(patient, numbers, visit, effective=around.effective, part_of=(done,), status="final")
    )
    return done


def _status(rxa: Segment) -> str:
    if rxa.text(21).upper() == "D":
        return "entered-in-error"
    return look_up("0322", rxa.text(20)) or ("not-done" if rxa.text(18) else "completed")


def _resource(draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers) -> Json:
    rxa, rxr = order.first("RXA"), order.first("RXR")
    status, notes = _status(rxa), note_text(order.notes)
    return {
        "resourceType": "Immunization",
        "id": _identity(rxa, numbers),
        "identifier": numbers.identifiers,
        "status": status,
        "statusReason": _reason(draft, rxa) if status == "not-done" else {},
        "vaccineCode": field_concept(draft, rxa, 5, table="0292") or {"text": "not named by the sender"},
        "patient": patient.reference,
        "encounter": visit,
        **_occurrence(draft, rxa),
        "recorded": draft.date_time(rxa, 22) or draft.date_time(order.first("ORC"), 9),
        **_source(draft, rxa),
        "location": {"display": place} if (place := rxa.text(11, 4) or rxa.text(11)) else {},
        "manufacturer": {"display": maker} if (maker := rxa.text(17, 2) or rxa.text(17)) else {},
        "lotNumber": rxa.text(15),
        "expirationDate": draft.date(rxa, 16),
        "site": field_concept(draft, rxr, 2, table="0163"),
        "route": field_concept(draft, rxr, 1, table="0162"),
        "doseQuantity": quantity(rxa.text(6), unit_of(rxa[7])) if rxa.text(6) != _UNKNOWN_DOSE else {},
        "performer": _performers(draft, order),
        "note": [{"text": notes}] if notes else [],
        "reasonCode": field_concepts(draft, rxa, 19),
        **_from_observations(draft, order.results),
    }


def _identity(rxa: Segment, numbers: Numbers) -> str:
    """ORC-3, else ORC-2, else the vaccine and its day: a register without numbers has one dose of it a day."""
    if numbers.identifiers:
        return numbers.result_id("Immunization", rxa.text(5))
    return Numbers(numbers.patient, {}, {}, rxa.text(3)[:8]).result_id("Immunization", rxa.text(5))


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
    """Eligibility, funding, dose number and information sheet, which OBX carries and Immunization has elements for."""
    found: dict[str, Segment] = {}
    for result in results:
        found.setdefault(result.obx.text(3), result.obx)
    elements: Json = {}
    if _ELIGIBILITY in found:
        elements["programEligibility"] = [concept(draft, found[_ELIGIBILITY][5], "OBX-5")]
    if _FUNDING in found:
        elements["fundingSource"] = concept(draft, found[_FUNDING][5], "OBX-5")
    if number := _whole(found, _DOSE_NUMBER):
        elements["protocolApplied"] = [{"doseNumberPositiveInt": number} | _series(found)]
    sheet = prune(
        {"publicationDate": _when(draft, found, _PUBLISHED), "presentationDate": _when(draft, found, _PRESENTED)}
    )
    return elements | ({"education": [{"documentType": "vaccine information", **sheet}]} if sheet else {})


def _series(found: dict[str, Segment]) -> Json:
    doses = _whole(found, _DOSES)
    return {"seriesDosesPositiveInt": doses} if doses else {}


def _whole(found: dict[str, Segment], code: str) -> int | None:
    return whole(found[code].text(5), least=1) if code in found else None


def _when(draft: Draft, found: dict[str, Segment], code: str) -> str:
    return draft.times.date_time(found[code].text(5)) if code in found else ""
