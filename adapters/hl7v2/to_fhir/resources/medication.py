"""
RXO, RXE and RXG to MedicationRequest: what was asked for, verified, and told to be given.

HL7 v2 chapter 4A; https://build.fhir.org/ig/HL7/v2-to-fhir/segment_maps.html
"""

from __future__ import annotations

from adapters.facts import Json, Known
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft, prune, reference
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.reconcile.orders import fulfilled, stated
from adapters.hl7v2.to_fhir.resources.dosage import amount, days, dosages
from adapters.hl7v2.to_fhir.resources.order_control import Control, control, event, status_reason
from adapters.hl7v2.to_fhir.resources.order_numbers import Numbers, recognize
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import practitioner
from adapters.hl7v2.to_fhir.sections import Order, note_text
from adapters.hl7v2.to_fhir.text import whole

# medication[x] is required; an order that only changes a status names no drug.
NOT_NAMED = {"text": "not named by the sender"}
_COMPONENTS = "components"


def prescription(
    draft: Draft,
    order: Order,
    patient: Subject | None,
    visit: Json,
    numbers: Numbers,
    *,
    replaces: tuple[Json, ...] = (),
    existing_only: bool = False,
) -> Json:
    """
    Assert what an order message or a reply says of its prescription; returns a reference.

    `existing_only`: only a prescription that is there already is changed.
    """
    orc = order.first("ORC")
    moment = draft.times.moment(orc.text(9)) or draft.moment
    said = control(draft, orc)
    own = reference("MedicationRequest", numbers.order_id("MedicationRequest"))
    resource = _request(draft, order, patient, visit, numbers, _request_status(said, orc))
    resource |= {"statusReason": status_reason(draft, orc, said), "priorPrescription": next(iter(replaces), {})}
    existing_only = existing_only or patient is None or bool(numbers.whole_group)
    if existing_only:
        draft.conditional.add(own["reference"])
    else:
        resource["eventHistory"] = event(draft, orc, said, own)
    rule = stated(said.effect, existing_only=existing_only)
    known = known_by(draft, order, numbers)
    made_of = order.of("ORC", "RXO", "RXE", "RXR", "TQ1")
    return draft.add(stamp(resource, moment), rule, moment=moment, known_by=known, recognize=recognize, of=made_of)


def known_by(draft: Draft, order: Order, numbers: Numbers) -> tuple[Known, ...]:
    """By the order's numbers, and by that of the prescription."""
    listed = prescription_number(draft, order.first("RXE").text(15) or order.first("RXD").text(7))
    return (*(k for k in numbers.known_by if k.role != "PGN"), *(Known("RX", n["system"], n["value"]) for n in listed))


def _request_status(said: Control, orc: Segment) -> str:
    """What was discontinued had begun: stopped; what was only ordered: cancelled."""
    if said.status != "revoked":
        return said.status
    return "stopped" if said.code in ("DC", "OD", "DR") or orc.text(5) == "DC" else "cancelled"


def _request(draft: Draft, order: Order, patient: Subject | None, visit: Json, numbers: Numbers, status: str) -> Json:
    orc, rxe, rxo = order.first("ORC"), order.first("RXE"), order.first("RXO")
    notes, compound = note_text(order.notes), _compound(draft, order)
    return {
        "resourceType": "MedicationRequest",
        "id": numbers.order_id("MedicationRequest"),
        "contained": [compound] if compound else [],
        "identifier": [*numbers.identifiers, *prescription_number(draft, rxe.text(15) or order.first("RXD").text(7))],
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": drug(draft, order) or NOT_NAMED,
        "subject": patient.reference if patient else {},
        "encounter": visit,
        "supportingInformation": [{"reference": f"#{_COMPONENTS}"}] if compound else [],
        "authoredOn": draft.date_time(orc, 9) or draft.times.date_time(draft.message.header.text(7)),
        "requester": practitioner(draft, orc[12]) or practitioner(draft, rxe[13]),
        "groupIdentifier": numbers.group,
        "reasonCode": [
            reason
            for segment, field in ((rxe, 27), (rxo, 20))
            if segment.fields and (reason := field_concept(draft, segment, field))
        ],
        "note": [{"text": notes}] if notes else [],
        "dosageInstruction": dosages(draft, order, rxe if rxe.fields else rxo),
        "dispenseRequest": _dispense_request(rxe, rxo, days(order)),
        "substitution": {"allowedBoolean": rxe.text(9) != "N"} if rxe.text(9) in ("N", "G", "T") else {},
    }


def prescription_number(draft: Draft, number: str) -> list[Json]:
    """RXE-15, RXD-7: the pharmacy's own number."""
    return [{"system": f"{draft.authority}:prescription", "value": number.strip()}] if number.strip() else []


def drug(draft: Draft, order: Order) -> Json:
    """RXE says what was verified and will be given; RXO only what was asked for."""
    for name, field in (("RXE", 2), ("RXO", 1), ("RXD", 2), ("RXG", 4), ("RXA", 5)):
        segment = order.first(name)
        if segment.fields and (found := field_concept(draft, segment, field)):
            return found
    return {}


def _compound(draft: Draft, order: Order) -> Json:
    """RXC: what is mixed; the last ones are those of RXE."""
    listed, verified = order.all("RXC"), order.first("RXE").number
    parts = [rxc for rxc in listed if verified and rxc.number > verified] or listed
    ingredients = [
        {
            "itemCodeableConcept": item,
            "isActive": rxc.text(1).strip().upper() != "B",
            # A ratio has both parts (R4 rat-1): so much in one of the whole.
            "strength": {"numerator": part, "denominator": {"value": 1}} if (part := amount(rxc, 3, 4)) else {},
        }
        for rxc in parts
        if (item := field_concept(draft, rxc, 2))
    ]
    return {"resourceType": "Medication", "id": _COMPONENTS, "ingredient": ingredients} if ingredients else {}


def _dispense_request(rxe: Segment, rxo: Segment, supply: Json) -> Json:
    repeats = rxe.text(12) or rxo.text(13)
    return {
        "quantity": amount(rxe, 10, 11) or amount(rxo, 11, 12),
        "numberOfRepeatsAllowed": whole(repeats),
        "expectedSupplyDuration": supply,
    }


def fulfilled_prescription(draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers) -> Json:
    """Assert, where something was handed over or given, that there was a prescription; {} when nothing names it."""
    known = known_by(draft, order, numbers)
    if not known:
        return {}
    resource = _request(draft, order, patient, visit, numbers, "unknown")
    made_of = order.of("ORC", "RXO", "RXE", "RXR", "TQ1")
    return draft.add(resource, fulfilled, known_by=known, recognize=recognize, of=made_of)


def give(draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers) -> Json:
    """RXG: one dose that is to be given, an instance of its prescription."""
    rxg, orc = order.first("RXG"), order.first("ORC")
    request = fulfilled_prescription(draft, order, patient, visit, numbers)
    said = control(draft, orc)
    resource = {
        "resourceType": "MedicationRequest",
        "id": numbers.order_id("MedicationRequest", "RXG", rxg.text(1), rxg.text(2), rxg[3][4]),
        "status": "active" if said.status == "unknown" else _request_status(said, orc),
        "intent": "instance-order",
        "medicationCodeableConcept": field_concept(draft, rxg, 4) or drug(draft, order) or NOT_NAMED,
        "subject": patient.reference,
        "encounter": visit,
        "basedOn": [request] if request else [],
        "authoredOn": draft.date_time(orc, 9) or draft.times.date_time(draft.message.header.text(7)),
        "dosageInstruction": dosages(draft, order, rxg),
        "note": [{"text": text}] if (text := note_text(order.notes)) else [],
        "supportingInformation": prune([{"display": rxg.text(19)}]),
    }
    return draft.add(stamp(resource, draft.moment), stated(said.effect))
