"""
OBR with its OBX to DiagnosticReport: one report through preliminary, final and corrected.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-obr-to-diagnosticreport.html
"""

from __future__ import annotations

from collections.abc import Iterable

from adapters.facts import Json
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.attachments import attachments
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.observation_value import ATTACHMENTS
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.reconcile.results import parent as parent_rule
from adapters.hl7v2.to_fhir.reconcile.results import reported
from adapters.hl7v2.to_fhir.resources.observation import Around, observations
from adapters.hl7v2.to_fhir.resources.order_numbers import Numbers, parent_result
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import interpreter, site_organization
from adapters.hl7v2.to_fhir.resources.service_request import fulfilled_service
from adapters.hl7v2.to_fhir.resources.specimen import specimens
from adapters.hl7v2.to_fhir.sections import Order, Result, note_text
from adapters.hl7v2.to_fhir.tables import look_up, v2_system
from adapters.hl7v2.to_fhir.text import clean, whole_text

# LOINC 19005-8 is the impression of an imaging report; IMP is its suffix in HL7 chapter 7.
_IMPRESSIONS = frozenset({"19005-8", "IMP"})


def report(draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers) -> Json:
    """Assert the report of an OBR, its observations, specimens and order; returns a reference."""
    obr = order.first("OBR")
    status = report_status(draft, obr, order.results)
    around = _around(draft, order, patient, visit, numbers, status)
    samples = specimens(draft, order, obr, patient, numbers)
    if samples:
        around = around.of(samples[0])
    results = observations(draft, order.results, around)
    _link_parent(draft, around, results)
    taken = _taken_back(draft, results)
    resource = _resource(draft, order, around, status) | {
        "specimen": samples,
        "result": [one for one in results if one["reference"] not in taken],
    }
    rule = reported(taken, void=_is_void(order.results), forms=_withdrawn_forms(order.results))
    made_of = (order.first("ORC"), obr)
    return draft.add(stamp(resource, around.moment or draft.moment), rule, moment=around.moment, of=made_of)


def _around(draft: Draft, order: Order, patient: Subject, visit: Json, numbers: Numbers, status: str) -> Around:
    obr = order.first("OBR")
    request = fulfilled_service(draft, order, patient, visit, numbers, status)
    return Around(
        patient,
        numbers,
        visit,
        category=look_up("0074", obr.text(24)),
        effective=draft.date_time(obr, 7) or draft.date_time(obr, 14) or draft.date_time(obr, 22),
        based_on=(request,) if request else (),
        parent=parent_result(draft, obr, patient.id),
        status=status,
        moment=draft.times.moment(obr.text(22)) or draft.moment,
        issued=draft.times.instant(obr.text(22)),
    )


def _taken_back(draft: Draft, results: Iterable[Json]) -> frozenset[str]:
    """The results of this message that are another patient's: an observation without a subject."""
    keys = (one["reference"] for one in results)
    return frozenset(key for key in keys if "subject" not in draft.facts[key].resource)


def _is_void(results: Iterable[Result]) -> bool:
    """True when all that the message has is taken back as another patient's."""
    said = [result.obx.text(11).strip().upper() for result in results]
    return bool(said) and all(code == "W" for code in said)


def _withdrawn_forms(results: Iterable[Result]) -> frozenset[str]:
    """The titles of documents that were deleted or are another patient's."""
    return frozenset(_title(r) for r in results if _is_form(r) and r.obx.text(11).strip().upper() in ("D", "W"))


def _is_form(result: Result) -> bool:
    return result.obx.text(2).strip().upper() in ATTACHMENTS


def _title(result: Result) -> str:
    return clean(result.obx.text(3, 2) or result.obx.text(3))


def _link_parent(draft: Draft, around: Around, results: list[Json]) -> None:
    """OBR-26: the parent result lists its children too, whether it is in this message or was sent before."""
    if not around.parent or not results:
        return
    key = f"Observation/{around.parent}"
    if (known := draft.facts.get(key)) is not None:
        known.resource["hasMember"] = [*known.resource.get("hasMember", []), *results]
        return
    draft.conditional.add(key)
    draft.add({"resourceType": "Observation", "id": around.parent, "hasMember": list(results)}, parent_rule)


def report_status(draft: Draft, obr: Segment, results: Iterable[Result]) -> str:
    """OBR-25, else what the results together say."""
    sent = obr.text(25).strip().upper()
    if sent:
        status = look_up("0123", sent)
        if not status:
            draft.lost(obr, 25, sent, v2_system("0123"))
        return status or "unknown"
    said = {look_up("0085", result.obx.text(11).strip()) for result in results} - {"entered-in-error", "cancelled", ""}
    if said & {"preliminary", "registered"}:
        return "preliminary" if said - {"registered"} else "registered"
    return next((status for status in ("corrected", "amended", "final") if status in said), "unknown")


def _resource(draft: Draft, order: Order, around: Around, status: str) -> Json:
    obr = order.first("OBR")
    identity = around.numbers.result_id("DiagnosticReport", obr.text(4) or obr.text(4, 2))
    return {
        "resourceType": "DiagnosticReport",
        "id": identity,
        "identifier": around.numbers.identifiers,
        "basedOn": list(around.based_on),
        "status": status,
        "category": [category] if (category := field_concept(draft, obr, 24, table="0074")) else [],
        # DiagnosticReport.code is required; some departments send results without naming the service.
        "code": field_concept(draft, obr, 4) or {"text": "not named by the sender"},
        "subject": around.patient.reference,
        "encounter": around.visit,
        "effectiveDateTime": around.effective,
        "issued": around.issued,
        "performer": [site_organization(draft)],
        "resultsInterpreter": [person for value in obr.all(32) if (person := interpreter(draft, value))],
        "conclusion": _conclusion(order),
        "presentedForm": [form for result in order.results for form in _forms(draft, result, identity)],
    }


def _forms(draft: Draft, result: Result, identity: str) -> list[Json]:
    gone = result.obx.text(11).strip().upper() in ("D", "W")
    return list(attachments(draft, result.obx, identity)) if _is_form(result) and not gone else []


def _conclusion(order: Order) -> str:
    """The impression, and what the department noted about the whole."""
    impressions = [
        whole_text(r.obx, 5)
        for r in order.results
        if r.obx.text(3) in _IMPRESSIONS or r.obx[3].sub(1, 2) in _IMPRESSIONS
    ]
    return "\n".join(filter(None, (*impressions, note_text(order.notes))))
