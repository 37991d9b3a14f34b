"""
IPC to ImagingStudy: the study that an imaging order announces, by the numbers that DICOM will know it by.

HL7 v2 chapter 4.5.6 (IPC); IHE RAD-4, RAD-13; https://hl7.org/fhir/R4/imagingstudy.html
"""

from __future__ import annotations

import re

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept, field_concepts
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import ei, unique
from adapters.hl7v2.to_fhir.reconcile.moments import latest, stamp
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.sections import Order

_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_UID = re.compile(r"[0-2](\.(0|[1-9]\d*)){3,}")
_MODALITY = re.compile(r"[A-Z]{2,8}")


def imaging_study(draft: Draft, order: Order, patient: Subject, visit: Json, request: Json) -> None:
    """Assert one study for each study instance UID (or accession number) of the IPC segments of an order."""
    studies: dict[str, list[Segment]] = {}
    for ipc in order.all("IPC"):
        studies.setdefault(ipc.text(3).strip() or ipc.text(1).strip() or ipc.text(2).strip(), []).append(ipc)
    for key, steps in studies.items():
        if key:
            draft.add(stamp(_study(draft, key, steps, patient, visit, request), draft.moment), latest)


def _study(draft: Draft, key: str, steps: list[Segment], patient: Subject, visit: Json, request: Json) -> Json:
    first = steps[0]
    uid = first.text(3).strip()
    accession = prune(ei(first[1], draft.site, kind="ACSN"))
    requested = prune(ei(first[2], draft.site))
    return {
        "resourceType": "ImagingStudy",
        # A study instance UID is unique in the world; an accession number only for its patient.
        "id": resource_id("urn:dicom:uid", "ImagingStudy", key)
        if _UID.fullmatch(uid)
        else resource_id(patient.id, "ImagingStudy", key),
        "identifier": [*_dicom(uid), *unique([accession, requested])],
        # Ordered and scheduled: nothing has been taken yet.
        "status": "registered",
        "modality": [coding for step in steps if (coding := _modality(step))],
        "subject": patient.reference,
        "encounter": visit,
        "basedOn": [request],
        "procedureCode": field_concepts(draft, first, 6),
        "location": {"display": first[8][2] or first.text(8)} if first.text(8) else {},
        "note": [{"text": text} for step in steps if (text := _step(draft, step))],
    }


def _dicom(uid: str) -> list[Json]:
    return [{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}] if _UID.fullmatch(uid) else []


def _modality(ipc: Segment) -> Json:
    code = ipc.text(5).strip()
    return {"system": _DICOM, "code": code, "display": ipc.text(5, 2)} if _MODALITY.fullmatch(code) else {}


def _step(draft: Draft, ipc: Segment) -> str:
    """The scheduled procedure step: its number and what is to be done (IPC-4, IPC-6, IPC-7, IPC-9)."""
    protocol = field_concept(draft, ipc, 6)
    parts = (ipc.text(4), protocol.get("text", ""), ipc[7][2] or ipc.text(7), ipc.text(9))
    return " ".join(part for part in (text.strip() for text in parts) if part)
