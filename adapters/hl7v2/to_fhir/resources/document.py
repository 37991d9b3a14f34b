"""
TXA with its OBX to DocumentReference.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-txa-to-documentreference.html
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.attachments import attachments, content_type, text_attachment
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import ei, unique
from adapters.hl7v2.to_fhir.observation_value import ATTACHMENTS, TEXT
from adapters.hl7v2.to_fhir.reconcile.documents import document as document_rule
from adapters.hl7v2.to_fhir.reconcile.documents import superseded
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import practitioners, site_organization
from adapters.hl7v2.to_fhir.tables import look_up, v2_system
from adapters.hl7v2.to_fhir.text import clean, whole_text

_RELATIONS = {"T05": "appends", "T06": "appends", "T09": "replaces", "T10": "replaces"}
_EDITS = frozenset({"T07", "T08"})
_CANCEL = "T11"
_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_NAMES = {"N": "normal", "R": "restricted", "V": "very restricted"}


def document(draft: Draft, txa: Segment, patient: Subject, visit: Json) -> Json:
    """Assert the document of an MDM; {} (with a remark) when TXA-12 names none."""
    own = prune(ei(txa[12], draft.site))
    if not own:
        draft.remark("TXA-12 names no document")
        return {}
    moment = draft.times.moment(txa.text(8)) or draft.moment
    resource = {
        "resourceType": "DocumentReference",
        "id": resource_id(own["system"], "DocumentReference", own["value"], patient.id),
        "masterIdentifier": own,
        "subject": patient.reference,
        "custodian": site_organization(draft),
        **_standing(draft, txa),
        **_origin(draft, txa, moment),
        "relatesTo": _relates(draft, txa, own, patient, moment.isoformat()),
        "context": _context(draft, txa, visit),
    }
    resource["content"] = [{"attachment": form} for form in _contents(draft, txa, resource)]
    edited = draft.message.trigger in _EDITS
    return draft.add(stamp(resource, moment), document_rule(edited), moment=moment, of=(txa,))


def _standing(draft: Draft, txa: Segment) -> Json:
    """How far it has come, whether it can be had, and who may see it: TXA-17, TXA-19, TXA-18."""
    label = _label(draft, txa)
    cancelled = draft.message.trigger == _CANCEL
    return {
        "status": "entered-in-error" if cancelled else _coded(draft, txa, 19, "0273") or "current",
        "docStatus": "entered-in-error" if cancelled else _coded(draft, txa, 17, "0271"),
        "securityLabel": [{"coding": [label]}] if label else [],
        # What the access rules read is the label of the resource itself.
        "meta": {"security": [label]} if label else {},
    }


def _coded(draft: Draft, txa: Segment, field: int, table: str) -> str:
    sent = txa.text(field).strip()
    code = look_up(table, sent)
    if sent and not code:
        draft.lost(txa, field, sent, v2_system(table))
    return code


def _label(draft: Draft, txa: Segment) -> Json:
    code = _coded(draft, txa, 18, "0272")
    return {"system": _CONFIDENTIALITY, "code": code, "display": _NAMES[code]} if code else {}


def _origin(draft: Draft, txa: Segment, moment: datetime) -> Json:
    """What it is, when it was written, who wrote it and who stands for it."""
    name, reason = clean(txa.text(16)), clean(txa.text(21))
    file = {"system": f"{draft.authority}:document-file", "value": name} if name else {}
    return {
        "identifier": unique([prune(ei(txa[12], draft.site)), file]),
        "type": field_concept(draft, txa, 2, table="0270"),
        "date": draft.times.instant(txa.text(6)) or draft.times.instant(txa.text(7)) or moment.isoformat(),
        "author": [*practitioners(draft, txa, 9), *practitioners(draft, txa, 5)],
        "authenticator": next(iter([*practitioners(draft, txa, 22), *practitioners(draft, txa, 10)]), {}),
        "description": txa.text(25) or name,
        "extension": [{"url": "urn:hie:change-reason", "valueString": reason}] if reason else [],
    }


def _relates(draft: Draft, txa: Segment, own: Json, patient: Subject, moment: str) -> list[Json]:
    """TXA-13: an addendum appends to its parent; a replacement supersedes it."""
    code = _RELATIONS.get(draft.message.trigger)
    parent = prune(ei(txa[13], draft.site)) if code else {}
    if not code or not parent or parent == own:
        if code:
            draft.remark("TXA-13 names no other document")
        return []
    old = resource_id(parent["system"], "DocumentReference", parent["value"], patient.id)
    if code == "replaces":
        parent_fact = {"resourceType": "DocumentReference", "id": old, "status": "superseded"}
        draft.conditional.add(draft.add(stamp(parent_fact, moment), superseded)["reference"])
    return [{"code": code, "target": {"reference": f"DocumentReference/{old}", "identifier": parent}}]


def _context(draft: Draft, txa: Segment, visit: Json) -> Json:
    """The visit, the time of what is documented, and the orders and studies that it is about, by their numbers."""
    numbers = [ei(value, draft.site, kind="PLAC") for value in txa.all(14)]
    numbers += [ei(value, draft.site, kind="FILL") for value in txa.all(15)]
    for segment in (*draft.message.all("ORC"), *draft.message.all("OBR")):
        numbers += [ei(segment[2], draft.site, kind="PLAC"), ei(segment[3], draft.site, kind="FILL")]
    orders = [{"type": "ServiceRequest", "identifier": number} for number in unique([prune(n) for n in numbers])]
    return {
        "encounter": [visit] if visit else [],
        "period": {"start": draft.date_time(txa, 4)} if txa.text(4) else {},
        "related": [*orders, *_studies(draft)],
    }


def _studies(draft: Draft) -> list[Json]:
    """OBX of type HD: the instance UID of a DICOM study."""
    uids = [clean(obx.text(5)) for obx in draft.message.all("OBX") if obx.text(2).strip().upper() == "HD"]
    return [
        {"type": "ImagingStudy", "identifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}}
        for uid in uids
        if uid
    ]


def _contents(draft: Draft, txa: Segment, resource: Json) -> list[Json]:
    """The attachments of the message, its text lines as one; content is required, if only to say that there is none."""
    labels = resource["meta"].get("security", [])
    found = [
        form
        for obx in draft.message.all("OBX")
        if obx.text(2).strip().upper() in ATTACHMENTS
        for form in attachments(draft, obx, resource["id"], labels)
    ]
    text = _text(draft.message.all("OBX"))
    title = txa.text(25) or txa.text(2, 2) or txa.text(2)
    if text:
        found.append(text_attachment(text, title))
    return found or [
        {"contentType": content_type(txa.text(3), "") if txa.text(3) else "", "title": title or "document"}
    ]


def _text(lines: Iterable[Segment]) -> str:
    return "\n".join(text for obx in lines if obx.text(2).strip().upper() in TEXT and (text := whole_text(obx, 5)))
