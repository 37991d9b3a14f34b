"""
ORC and OBR to ServiceRequest.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-orc-to-servicerequest.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept, field_concepts
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import ei
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.reconcile.orders import fulfilled
from adapters.hl7v2.to_fhir.reconcile.orders import order as order_rule
from adapters.hl7v2.to_fhir.resources.order_numbers import Numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import practitioner
from adapters.hl7v2.to_fhir.sections import Order, note_text
from adapters.hl7v2.to_fhir.tables import look_up, v2_system

_DONE = frozenset({"final", "corrected", "amended", "appended"})


def order_status(draft: Draft, orc: Segment) -> str:
    """
    What ORC-1 and ORC-5 say of the order, "unknown" when they say nothing.

    A control code that ends or holds the order outranks its status; otherwise the status is the better word.
    """
    control = look_up("0119", orc.text(1).strip())
    if control in ("revoked", "on-hold"):
        return control
    for field, table in ((1, "0119"), (5, "0038")):
        sent = orc.text(field).strip()
        if (
            sent
            and not look_up(table, sent)
            and sent not in ("SC", "RE", "CN", "DE", "SR", "SS", "UC", "UD", "UF", "UH", "UM", "UN", "UR", "UX")
        ):
            draft.lost(orc, field, sent, v2_system(table))
    return look_up("0038", orc.text(5).strip()) or control or ("completed" if orc.text(1) == "RE" else "unknown")


def ordered_service(
    draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers, samples: list[Json]
) -> Json:
    """Assert the order of an order message."""
    orc = order.first("ORC")
    moment = draft.times.moment(orc.text(9)) or draft.moment
    resource = _resource(draft, order, patient, visit, numbers) | {
        "status": order_status(draft, orc),
        "specimen": samples,
    }
    return draft.add(stamp(resource, moment), order_rule, moment=moment)


def fulfilled_service(
    draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers, report_status: str
) -> Json:
    """Assert, in a result message, that there was an order; a final result completes it."""
    if not numbers.identifiers:
        return {}
    status = "completed" if report_status in _DONE else "revoked" if report_status == "cancelled" else "active"
    return draft.add(_resource(draft, order, patient, visit, numbers) | {"status": status}, fulfilled)


def _resource(draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers) -> Json:
    orc, obr, tq1 = order.first("ORC"), order.first("OBR"), order.first("TQ1")
    notes = note_text(order.notes) if not order.results else ""
    return {
        "resourceType": "ServiceRequest",
        "id": numbers.order_id("ServiceRequest"),
        "identifier": numbers.identifiers,
        "requisition": prune(ei(orc[4], draft.site)),
        "intent": "order",
        "priority": _priority(orc, obr, tq1),
        "code": field_concept(draft, obr, 4),
        "subject": patient.reference,
        "encounter": visit,
        "occurrenceDateTime": draft.date_time(tq1, 7) or draft.date_time(obr, 36) or draft.date_time(obr, 6),
        "authoredOn": draft.date_time(orc, 9) or draft.date_time(obr, 6),
        "requester": practitioner(draft, orc[12]) or practitioner(draft, obr[16]),
        "reasonCode": [*field_concepts(draft, obr, 31), *field_concepts(draft, orc, 16)],
        "note": [{"text": notes}] if notes else [],
        "patientInstruction": tq1.text(11),
    }


def _priority(orc: Segment, obr: Segment, tq1: Segment) -> str:
    for text in (tq1.text(9), obr.text(27, 6), orc.text(7, 6), obr.text(5)):
        if code := look_up("0485", text.strip()[:1]):
            return code
    return ""
