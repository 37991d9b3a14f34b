"""
RXO, RXE and RXD to MedicationRequest and MedicationDispense.

HL7 v2 chapter 4A; https://build.fhir.org/ig/HL7/v2-to-fhir/segment_maps.html
"""

from __future__ import annotations

import re

from adapters.facts import Json, create_only
from adapters.hl7v2.message import Segment, Value
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.quantities import decimal, quantity, unit_of
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.reconcile.orders import order as order_rule
from adapters.hl7v2.to_fhir.resources.order_numbers import Numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import practitioner, site_organization
from adapters.hl7v2.to_fhir.resources.service_request import order_status
from adapters.hl7v2.to_fhir.sections import Order, note_text
from adapters.hl7v2.to_fhir.tables import UCUM
from adapters.hl7v2.to_fhir.text import whole

_REQUEST_STATUS = {
    "active": "active",
    "completed": "completed",
    "on-hold": "on-hold",
    "entered-in-error": "entered-in-error",
}
_DURATION = re.compile(r"([SMHDWL])(\d{1,6})")
_UNITS = {"S": "s", "M": "min", "H": "h", "D": "d", "W": "wk", "L": "mo"}
_DAYS = {"S": 1 / 86400, "M": 1 / 1440, "H": 1 / 24, "D": 1, "W": 7, "L": 30}
_REPEAT = re.compile(r"Q(\d+)([SMHDW])")
# The abbreviations of table 0335 that say a number of times a day.
_DAILY = {"QD": 1, "BID": 2, "TID": 3, "QID": 4, "QOD": 0}


def prescription(draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers) -> Json:
    """Assert the prescription of an order message."""
    orc = order.first("ORC")
    moment = draft.times.moment(orc.text(9)) or draft.moment
    said = order_status(draft, orc)
    status = _REQUEST_STATUS.get(said) or ("unknown" if said == "unknown" else _ended(orc))
    return draft.add(stamp(_request(draft, order, patient, visit, numbers, status), moment), order_rule, moment=moment)


def _ended(orc: Segment) -> str:
    """What was discontinued had begun: stopped; what was only ordered: cancelled."""
    return "stopped" if orc.text(1) in ("DC", "OD", "DR") or orc.text(5) == "DC" else "cancelled"


def _request(draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers, status: str) -> Json:
    orc, rxe, rxo = order.first("ORC"), order.first("RXE"), order.first("RXO")
    notes = note_text(order.notes)
    return {
        "resourceType": "MedicationRequest",
        "id": numbers.order_id("MedicationRequest"),
        "identifier": [*numbers.identifiers, *_prescription_number(draft, rxe.text(15))],
        "status": status,
        "intent": "order",
        # medication[x] is required; an order that only changes a status names no drug.
        "medicationCodeableConcept": _drug(draft, order) or {"text": "not named by the sender"},
        "subject": patient.reference,
        "encounter": visit,
        "authoredOn": draft.date_time(orc, 9) or draft.times.date_time(draft.message.header.text(7)),
        "requester": practitioner(draft, orc[12]) or practitioner(draft, rxe[13]),
        "groupIdentifier": prune({"value": orc.text(4), "system": f"{draft.authority}:group"}) if orc.text(4) else {},
        "reasonCode": [reason] if (reason := field_concept(draft, rxe, 27)) else [],
        "note": [{"text": notes}] if notes else [],
        "dosageInstruction": [dose] if (dose := _dosage(draft, order)) else [],
        "dispenseRequest": _dispense_request(rxe, rxo, _days(order)),
        "substitution": {"allowedBoolean": rxe.text(9) != "N"} if rxe.text(9) in ("N", "G", "T") else {},
    }


def _prescription_number(draft: Draft, number: str) -> list[Json]:
    return [{"system": f"{draft.authority}:prescription", "value": number}] if number else []


def _drug(draft: Draft, order: Order) -> Json:
    """RXE says what was verified and will be given; RXO only what was asked for."""
    for name, field in (("RXE", 2), ("RXO", 1), ("RXD", 2)):
        if drug := field_concept(draft, order.first(name), field):
            return drug
    return {}


def _amount(segment: Segment, number: int, unit: int) -> Json:
    return quantity(segment.text(number), unit_of(segment[unit]))


def _dosage(draft: Draft, order: Order) -> Json:
    rxe, rxo, rxr, tq1 = (order.first(name) for name in ("RXE", "RXO", "RXR", "TQ1"))
    low, high = (_amount(rxe, 3, 5), _amount(rxe, 4, 5)) if rxe.fields else (_amount(rxo, 2, 4), _amount(rxo, 3, 4))
    dose = {"doseRange": {"low": low, "high": high}} if low and high and low != high else {"doseQuantity": low}
    instruction = rxe[7] if rxe.fields else rxo[6]
    text = " ".join(filter(None, (instruction[2] or instruction[1], tq1.text(11))))
    return prune(  # type: ignore[no-any-return]
        {
            "text": text,
            "timing": _timing(draft, order),
            "route": field_concept(draft, rxr, 1, table="0162"),
            "site": field_concept(draft, rxr, 2),
            "method": field_concept(draft, rxr, 4, table="0165"),
            "doseAndRate": [dose] if low or high else [],
        }
    )


def _frequency(order: Order) -> tuple[str, str, str, str]:
    """Repeat pattern, duration, start and end: of TQ1, else of the TQ in RXE-1 or ORC-7."""
    tq1 = order.first("TQ1")
    if tq1.fields:
        unit = tq1[6].part(2)[1]
        return tq1.text(3), _as_duration(tq1.text(6), unit), tq1.text(7), tq1.text(8)
    old: Value = order.first("RXE")[1] or order.first("ORC")[7]
    return old[2], old[3], old[4], old[5]


def _as_duration(number: str, unit: str) -> str:
    """TQ1-6 (`7^d`) in the form of TQ-3 (`D7`)."""
    letter = {"s": "S", "min": "M", "h": "H", "hr": "H", "d": "D", "day": "D", "天": "D", "wk": "W", "mo": "L"}.get(
        unit.lower(), ""
    )
    return f"{letter}{number}" if letter and number.isdecimal() else ""


def _timing(draft: Draft, order: Order) -> Json:
    pattern, duration, start, end = _frequency(order)
    bounds = prune({"start": draft.times.date_time(start), "end": draft.times.date_time(end)})
    spans = _DURATION.fullmatch(duration.strip().upper())
    length = (
        {"value": decimal(spans[2]), "unit": _UNITS[spans[1]], "system": UCUM, "code": _UNITS[spans[1]]}
        if spans
        else {}
    )
    repeat = {"boundsPeriod": bounds} if bounds else {"boundsDuration": length}
    return prune({"repeat": repeat | _repeat(pattern), "code": {"text": pattern}})  # type: ignore[no-any-return]


def _repeat(pattern: str) -> Json:
    written = pattern.strip().upper()
    if times := _DAILY.get(written):
        return {"frequency": times, "period": 1, "periodUnit": "d"}
    if match := _REPEAT.fullmatch(written):
        every = whole(match[1], least=1)
        return {"frequency": 1, "period": every, "periodUnit": _UNITS[match[2]]} if every else {}
    return {"frequency": 1, "period": 2, "periodUnit": "d"} if written == "QOD" else {}


def _days(order: Order) -> Json:
    """Days of supply, from the duration of the order; FHIR counts them in days."""
    spans = _DURATION.fullmatch(_frequency(order)[1].strip().upper())
    if spans is None or int(spans[2]) * _DAYS[spans[1]] < 1:
        return {}
    return {"value": int(int(spans[2]) * _DAYS[spans[1]]), "unit": "d", "system": UCUM, "code": "d"}


def _dispense_request(rxe: Segment, rxo: Segment, days: Json) -> Json:
    repeats = rxe.text(12) or rxo.text(13)
    return {
        "quantity": _amount(rxe, 10, 11) or _amount(rxo, 11, 12),
        "numberOfRepeatsAllowed": whole(repeats),
        "expectedSupplyDuration": days,
    }


def dispense(draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers) -> Json:
    """Assert what was handed over, and that there was a prescription for it."""
    orc, rxd = order.first("ORC"), order.first("RXD")
    request = draft.add(_request(draft, order, patient, visit, numbers, "unknown"), create_only)
    status = {"revoked": "cancelled", "on-hold": "on-hold", "entered-in-error": "entered-in-error"}.get(
        order_status(draft, orc), "completed"
    )
    handed = draft.date_time(rxd, 3)
    resource = {
        "resourceType": "MedicationDispense",
        "id": numbers.order_id(
            "MedicationDispense", rxd.text(7), rxd.text(1) or rxd.text(3), rxd.text(2) or rxd.text(2, 2)
        ),
        "identifier": [*numbers.identifiers, *_prescription_number(draft, rxd.text(7))],
        "status": status,
        "medicationCodeableConcept": field_concept(draft, rxd, 2)
        or _drug(draft, order)
        or {"text": "not named by the sender"},
        "subject": patient.reference,
        "context": visit,
        "performer": [{"actor": who} for value in rxd.all(10) if (who := practitioner(draft, value))]
        or [{"actor": site_organization(draft)}],
        "authorizingPrescription": [request],
        "quantity": _amount(rxd, 4, 5),
        "daysSupply": _days(order),
        "whenHandedOver": handed,
        "note": [{"text": text} for text in (note_text(order.notes), rxd.text(9)) if text],
        "dosageInstruction": [dose] if (dose := _dosage(draft, order)) else [],
    }
    return draft.add(stamp(resource, draft.moment), order_rule)
