"""
The message of a change, in the receiver's words. Pure.
"""

from __future__ import annotations

from typing import Any

from adapters.hl7v2.from_fhir.families import adt
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.writing import Envelope
from hie.feeds.gathering import Material, subject_of

Document = dict[str, Any]


def build(receiver: Receiver, envelope: Envelope, message: Document, material: Material) -> bytes | None:
    """The bytes; None where the change cannot be said without what is missing. NotWritable, as the writer says."""
    trigger = message["trigger"]
    match message["type"]:
        case "Patient" | "Person":
            return _of_person(receiver, envelope, trigger, material)
        case "Encounter":
            patient = material.resources[subject_of(material.resource)]
            return adt.visit(
                receiver, envelope, trigger, patient, material.resource, material.resources,
                others=material.others, relatives=material.relatives,
            )  # fmt: skip
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
