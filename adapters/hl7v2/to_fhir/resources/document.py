"""
TXA with its OBX to DocumentReference.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-txa-to-documentreference.html
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.attachments import attachment, content_type, text_attachment
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import ei
from adapters.hl7v2.to_fhir.observation_value import ATTACHMENTS, TEXT, whole_text
from adapters.hl7v2.to_fhir.reconcile.documents import document as document_rule
from adapters.hl7v2.to_fhir.reconcile.documents import superseded
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import practitioners, site_organization
from adapters.hl7v2.to_fhir.tables import look_up

_RELATIONS = {"T05": "appends", "T06": "appends", "T09": "replaces", "T10": "replaces"}


def document(draft: Draft, txa: Segment, patient: Subject, visit: Json) -> Json:
    """Assert the document of an MDM; {} (with a remark) when TXA-12 names none."""
    own = prune(ei(txa[12], draft.site))
    if not own:
        draft.remark("TXA-12 names no document")
        return {}
    identity = resource_id(own["system"], "DocumentReference", own["value"], patient.id)
    moment = _moment(draft, txa)
    resource = {
        "resourceType": "DocumentReference",
        "id": identity,
        "masterIdentifier": own,
        "identifier": [own],
        "status": _status(draft, txa),
        "docStatus": look_up("0271", txa.text(17)),
        "type": field_concept(draft, txa, 2, table="0270"),
        "subject": patient.reference,
        "date": draft.times.instant(txa.text(6)) or draft.times.instant(txa.text(7)) or moment.isoformat(),
        "author": [*practitioners(draft, txa, 9), *practitioners(draft, txa, 5)],
        "authenticator": next(iter(practitioners(draft, txa, 22)), {}),
        "custodian": site_organization(draft),
        "relatesTo": _relates(draft, txa, patient, moment.isoformat()),
        "description": txa.text(16),
        "content": [{"attachment": form} for form in _contents(draft, txa, identity)],
        "context": {
            "encounter": [visit] if visit else [],
            "period": {"start": draft.date_time(txa, 4)} if txa.text(4) else {},
        },
    }
    return draft.add(stamp(resource, moment), document_rule, moment=moment)


def _moment(draft: Draft, txa: Segment) -> datetime:
    return draft.times.moment(txa.text(8)) or draft.moment


def _status(draft: Draft, txa: Segment) -> str:
    """T11 cancels; otherwise the availability of TXA-19."""
    if draft.message.trigger == "T11":
        return "entered-in-error"
    return look_up("0273", txa.text(19)) or "current"


def _relates(draft: Draft, txa: Segment, patient: Subject, moment: str) -> list[Json]:
    """TXA-13: an addendum appends to its parent; a replacement supersedes it."""
    code = _RELATIONS.get(draft.message.trigger)
    parent = prune(ei(txa[13], draft.site)) if code else {}
    if not parent:
        return []
    old = resource_id(parent["system"], "DocumentReference", parent["value"], patient.id)
    if code == "replaces":
        parent_fact = {"resourceType": "DocumentReference", "id": old, "status": "superseded"}
        draft.conditional.add(draft.add(stamp(parent_fact, moment), superseded)["reference"])
    return [{"code": code, "target": {"reference": f"DocumentReference/{old}", "identifier": parent}}]


def _contents(draft: Draft, txa: Segment, identity: str) -> list[Json]:
    """The attachments of the message, its text lines as one; content is required, if only to say that there is none."""
    found = [
        form
        for obx in draft.message.all("OBX")
        if obx.text(2).strip().upper() in ATTACHMENTS
        if (form := attachment(draft, obx, identity))
    ]
    text = _text(draft.message.all("OBX"))
    title = txa.text(2, 2) or txa.text(2)
    if text:
        found.append(text_attachment(text, title))
    return found or [
        {"contentType": content_type(txa.text(3), "") if txa.text(3) else "", "title": title or "document"}
    ]


def _text(lines: Iterable[Segment]) -> str:
    return "\n".join(text for obx in lines if obx.text(2).strip().upper() in TEXT and (text := whole_text(obx, 5)))
