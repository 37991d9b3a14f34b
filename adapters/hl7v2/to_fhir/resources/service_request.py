"""
ORC and OBR to ServiceRequest.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-orc-to-servicerequest.html
"""

from __future__ import annotations

from functools import partial

from adapters.facts import Json
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept, field_concepts
from adapters.hl7v2.to_fhir.draft import Draft, prune, reference
from adapters.hl7v2.to_fhir.identifiers import ei
from adapters.hl7v2.to_fhir.quantities import composite
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.reconcile.orders import fulfilled, stated
from adapters.hl7v2.to_fhir.resources.order_control import STATUS_REASON, control, event, status_reason
from adapters.hl7v2.to_fhir.resources.order_numbers import Numbers, parent_numbers, recognize
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import organization, practitioner
from adapters.hl7v2.to_fhir.sections import Order, note_text
from adapters.hl7v2.to_fhir.tables import look_up

_DONE = frozenset({"final", "corrected", "amended", "appended"})


def ordered_service(
    draft: Draft,
    order: Order,
    patient: Subject | None,
    visit: Json,
    numbers: Numbers,
    *,
    samples: tuple[Json, ...] = (),
    replaces: tuple[Json, ...] = (),
) -> Json:
    """
    Assert what an order message or a reply says of its order; returns a reference.

    Without a patient, and by a group's number alone, only orders that are there already are changed.
    """
    orc = order.first("ORC")
    moment = draft.times.moment(orc.text(9)) or draft.moment
    said = control(draft, orc)
    existing_only = patient is None or bool(numbers.whole_group)
    own = reference("ServiceRequest", numbers.order_id("ServiceRequest"))
    resource = _resource(draft, order, patient, visit, numbers, reasons=said.effect in ("set", "none", "release"))
    resource |= {"status": said.status, "specimen": list(samples), "replaces": list(replaces)}
    if reason := status_reason(draft, orc, said):
        resource["extension"] = [{"url": STATUS_REASON, "valueCodeableConcept": reason}]
    if existing_only:
        draft.conditional.add(own["reference"])
    else:
        resource["relevantHistory"] = event(draft, orc, said, own)
    rule = stated(said.effect, existing_only=existing_only)
    return draft.add(
        stamp(resource, moment),
        rule,
        moment=moment,
        known_by=numbers.known_by,
        recognize=partial(recognize, apart=bool(numbers.service)),
        of=order.of("ORC", "OBR", "TQ1"),
    )


def fulfilled_service(
    draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers, report_status: str
) -> Json:
    """Assert, in a result message, that there was an order; a final result completes it."""
    if not numbers.identifiers:
        return {}
    status = "completed" if report_status in _DONE else "revoked" if report_status == "cancelled" else "active"
    resource = _resource(draft, order, patient, visit, numbers) | {"status": status}
    return draft.add(
        resource,
        fulfilled,
        known_by=numbers.known_by,
        recognize=partial(recognize, apart=bool(numbers.service)),
        of=order.of("ORC", "OBR", "TQ1"),
    )


def _resource(
    draft: Draft, order: Order, patient: Subject | None, visit: Json, numbers: Numbers, *, reasons: bool = True
) -> Json:
    orc, obr, tq1 = order.first("ORC"), order.first("OBR"), order.first("TQ1")
    code = field_concept(draft, obr, 4)
    return {
        "resourceType": "ServiceRequest",
        "id": numbers.order_id("ServiceRequest"),
        "identifier": numbers.identifiers,
        "requisition": numbers.group,
        "basedOn": _parent(draft, orc, obr),
        "intent": "order",
        "category": [kind] if (kind := field_concept(draft, obr, 24, table="0074")) else [],
        "priority": _priority(orc, obr, tq1),
        "code": code,
        "orderDetail": _details(draft, obr) if code else [],
        "quantityQuantity": composite(tq1[2]) if tq1.fields else {},
        "subject": patient.reference if patient else {},
        "encounter": visit,
        "occurrenceDateTime": draft.date_time(tq1, 7) or draft.date_time(obr, 36) or draft.date_time(obr, 6),
        "authoredOn": draft.date_time(orc, 9) or draft.date_time(obr, 6),
        "requester": _requester(draft, orc, obr),
        "reasonCode": [*field_concepts(draft, obr, 31), *(field_concepts(draft, orc, 16) if reasons else [])],
        "note": _notes(order, obr),
        "patientInstruction": tq1.text(11),
    }


def _parent(draft: Draft, orc: Segment, obr: Segment) -> list[Json]:
    """ORC-8 or OBR-29: the order that this one follows from, by number, for it may never have been sent."""
    parent = parent_numbers(draft, obr, "")
    number = parent.identifiers[0] if parent else prune(ei(orc[8].part(1), draft.site, kind="PLAC"))
    return [{"type": "ServiceRequest", "identifier": number}] if number else []


def _details(draft: Draft, obr: Segment) -> list[Json]:
    """OBR-44 and OBR-45: the procedure and its modifiers, within the service (R4 prr-1)."""
    return [*field_concepts(draft, obr, 44), *field_concepts(draft, obr, 45, table="0340")]


def _requester(draft: Draft, orc: Segment, obr: Segment) -> Json:
    """Who ordered; else the facility that did (ORC-21)."""
    return practitioner(draft, orc[12]) or practitioner(draft, obr[16]) or organization(draft, orc[21])


def _notes(order: Order, obr: Segment) -> list[Json]:
    """NTE of an order, and what the department should know (OBR-13)."""
    notes = note_text(order.notes) if not order.results else ""
    return [{"text": text} for text in (notes, obr.text(13).strip()) if text]


def _priority(orc: Segment, obr: Segment, tq1: Segment) -> str:
    for text in (tq1.text(9), obr.text(27, 6), orc.text(7, 6), obr.text(5)):
        if code := look_up("0485", text.strip()[:1]):
            return code
    return ""
