"""
The message of a change, in the receiver's words. Pure.
"""

from __future__ import annotations

from typing import Any

from adapters.hl7v2.from_fhir.families import adt, mdm, orders, oru, siu, vxu
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.writing import Envelope
from hie.feeds.gathering import Material, subject_of

Document = dict[str, Any]


def build(receiver: Receiver, envelope: Envelope, message: Document, material: Material) -> bytes | None:
    """The bytes; None where the change cannot be said without what is missing. NotWritable, as the writer says."""
    trigger, found, resources = message["trigger"], material.resource, material.resources
    if message["type"] in ("Patient", "Person"):
        return _of_person(receiver, envelope, trigger, material)
    patient = resources[subject_of(found)]
    match message["type"]:
        case "Encounter":
            around = {"others": material.others, "relatives": material.relatives}
            return adt.visit(receiver, envelope, trigger, patient, found, resources, **around)
        case "DiagnosticReport":
            return oru.report(receiver, envelope, patient, found, resources)
        case "ServiceRequest":
            new = message["version"] == 1
            return orders.service(receiver, envelope, message["code"], patient, found, resources, new=new)
        case "DocumentReference":
            return mdm.document(receiver, envelope, trigger, patient, found, resources)
        case "Appointment":
            return siu.schedule(receiver, envelope, trigger, patient, found, resources)
        case "Immunization":
            return vxu.update(receiver, envelope, patient, found, resources)
    return None


def _of_person(receiver: Receiver, envelope: Envelope, trigger: str, material: Material) -> bytes | None:
    if trigger == "A40":
        survivor = material.resources.get(adt.merged_into(material.resource))
        if survivor is None:
            return None
        return adt.merge(receiver, envelope, survivor, material.resource, material.resources)
    return adt.person(
        receiver, envelope, trigger, material.resource, material.resources,
        others=material.others, relatives=material.relatives,
    )  # fmt: skip
