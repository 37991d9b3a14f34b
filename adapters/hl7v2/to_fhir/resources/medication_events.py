"""
RXD to MedicationDispense and RXA of RAS to MedicationAdministration: what was handed over, and what was given or not.

HL7 v2 chapter 4A; https://hl7.org/fhir/R4/medicationadministration.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.reconcile.encounter import ordered
from adapters.hl7v2.to_fhir.reconcile.moments import latest, stamp
from adapters.hl7v2.to_fhir.resources.dosage import amount, days, dosages
from adapters.hl7v2.to_fhir.resources.medication import NOT_NAMED, drug, fulfilled_prescription, prescription_number
from adapters.hl7v2.to_fhir.resources.observation import Around, observations
from adapters.hl7v2.to_fhir.resources.order_control import control
from adapters.hl7v2.to_fhir.resources.order_numbers import Numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import practitioner, practitioners, site_organization
from adapters.hl7v2.to_fhir.sections import Order, note_text
from adapters.hl7v2.to_fhir.tables import v2_system

_DISPENSED = {"revoked": "cancelled", "on-hold": "on-hold", "entered-in-error": "entered-in-error"}
# Table 0322. What was begun and not finished was stopped.
_GIVEN = {"": "completed", "CP": "completed", "PA": "stopped", "NA": "not-done", "RE": "not-done"}
_CONTROLLED = {"on-hold": "on-hold", "revoked": "not-done", "entered-in-error": "entered-in-error"}
_REFUSED = {"text": "refused"}
_LOT = "lot"


def dispense(draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers) -> Json:
    """Assert what was handed over, and that there was a prescription for it."""
    rxd = order.first("RXD")
    request = fulfilled_prescription(draft, order, patient, visit, numbers)
    rxe, rxo = order.first("RXE"), order.first("RXO")
    resource = {
        "resourceType": "MedicationDispense",
        "id": numbers.order_id(
            "MedicationDispense", rxd.text(7), rxd.text(1) or rxd.text(3), rxd.text(2) or rxd.text(2, 2)
        ),
        "identifier": [*numbers.identifiers, *prescription_number(draft, rxd.text(7))],
        "status": _DISPENSED.get(control(draft, order.first("ORC")).status, "completed"),
        "medicationCodeableConcept": field_concept(draft, rxd, 2) or drug(draft, order) or NOT_NAMED,
        "subject": patient.reference,
        "context": visit,
        "performer": [{"actor": who} for value in rxd.all(10) if (who := practitioner(draft, value))]
        or [{"actor": site_organization(draft)}],
        "authorizingPrescription": [request] if request else [],
        "quantity": amount(rxd, 4, 5),
        "daysSupply": days(order),
        "whenHandedOver": draft.date_time(rxd, 3),
        "note": [{"text": text} for text in (note_text(order.notes), rxd.text(9)) if text],
        "dosageInstruction": dosages(draft, order, rxe if rxe.fields else rxo),
        "substitution": _substitution(draft, rxd),
        **_lot(draft, rxd, 18),
    }
    return draft.add(stamp(resource, draft.moment), latest)


def _substitution(draft: Draft, rxd: Segment) -> Json:
    """RXD-11, table 0167: G and T were substituted; others only say what would have been allowed."""
    code = rxd.text(11).strip().upper()
    return {"wasSubstituted": code in ("G", "T"), "type": field_concept(draft, rxd, 11, table="0167")} if code else {}


def administration(draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers) -> Json:
    """Assert what was given, or why it was not, and that there was a prescription for it."""
    rxa, orc = order.first("RXA"), order.first("ORC")
    request = fulfilled_prescription(draft, order, patient, visit, numbers)
    status = _status(draft, rxa, orc)
    named = (rxa.text(1), rxa.text(2), rxa.text(3), rxa.text(5) or rxa.text(5, 2))
    resource = {
        "resourceType": "MedicationAdministration",
        "id": numbers.order_id("MedicationAdministration", *named),
        "identifier": numbers.identifiers,
        "status": status,
        "statusReason": _reasons(draft, rxa, orc, status),
        "medicationCodeableConcept": field_concept(draft, rxa, 5) or drug(draft, order) or NOT_NAMED,
        "subject": patient.reference,
        "context": visit,
        **_effective(draft, rxa),
        "performer": [{"actor": who} for who in practitioners(draft, rxa, 10)],
        "reasonCode": [reason] if (reason := field_concept(draft, rxa, 19)) else [],
        "request": request,
        "note": [{"text": text} for text in (rxa[9][2] or rxa.text(9), note_text(order.notes)) if text],
        "dosage": _given(draft, order, rxa) if status not in ("not-done", "on-hold") else {},
        **_lot(draft, rxa, 15),
    }
    given = draft.add(stamp(resource, draft.moment), latest)
    when = draft.date_time(rxa, 3)
    observations(
        draft, order.results, Around(patient, numbers, visit, effective=when, part_of=(given,), status="final")
    )
    return given


def _status(draft: Draft, rxa: Segment, orc: Segment) -> str:
    """RXA-21 D takes it back; an order held or cancelled was not given; else RXA-20 says."""
    if rxa.text(21).strip().upper() == "D":
        return "entered-in-error"
    if held := _CONTROLLED.get(control(draft, orc).status):
        return held
    sent = rxa.text(20).strip().upper()
    if sent not in _GIVEN:
        draft.lost(rxa, 20, sent, v2_system("0322"))
    return _GIVEN.get(sent, "unknown")


def _reasons(draft: Draft, rxa: Segment, orc: Segment, status: str) -> list[Json]:
    """RXA-18, else ORC-16; a refusal without a reason is still a refusal."""
    if status not in ("not-done", "on-hold", "stopped"):
        return []
    reason = field_concept(draft, rxa, 18) or field_concept(draft, orc, 16)
    return [reason] if reason else [_REFUSED] if rxa.text(20).strip().upper() == "RE" else []


def _effective(draft: Draft, rxa: Segment) -> Json:
    """effective[x] is required: without RXA-3 it is when the sender told of it."""
    start, end = draft.date_time(rxa, 3), draft.date_time(rxa, 4)
    if start and end and end != start:
        return {"effectivePeriod": ordered({"start": start, "end": end})}
    return {"effectiveDateTime": start or end or draft.moment.isoformat()}


def _given(draft: Draft, order: Order, rxa: Segment) -> Json:
    """A dosage has a dose (R4 mad-1); 999 says that nobody knows how much it was."""
    dose = amount(rxa, 6, 7) if rxa.text(6).strip() != "999" else {}
    rxr = order.last("RXR")
    return (
        {
            "route": field_concept(draft, rxr, 1, table="0162"),
            "site": field_concept(draft, rxr, 2),
            "method": field_concept(draft, rxr, 4, table="0165"),
            "dose": dose,
        }
        if dose
        else {}
    )


def _lot(draft: Draft, segment: Segment, first: int) -> Json:
    """Lot, expiry and maker of what was given: a contained Medication, for the drug itself is coded."""
    batch = prune({"lotNumber": segment.text(first).strip(), "expirationDate": draft.date_time(segment, first + 1)})
    maker = segment.text(first + 2, 2) or segment.text(first + 2)
    if not batch:
        return {}
    medication = {
        "resourceType": "Medication",
        "id": _LOT,
        "manufacturer": {"display": maker} if maker else {},
        "batch": batch,
    }
    return {"contained": [medication], "supportingInformation": [{"reference": f"#{_LOT}"}]}
