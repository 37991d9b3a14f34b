"""
Immunization to VXU^V04.

HL7 v2 chapter 4A; HL7 Version 2.5.1 Implementation Guide for Immunization Messaging
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.from_fhir.families.oru import said
from adapters.hl7v2.from_fhir.names import Resources
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.segments.pid import pid
from adapters.hl7v2.from_fhir.segments.pv1 import account_of, pv1
from adapters.hl7v2.from_fhir.segments.rxa import vaccination
from adapters.hl7v2.from_fhir.writing import Envelope, write


def event(current: Json, previous: Json | None) -> str:
    """V04 for every vaccination that says something new."""
    return "V04" if previous is None or said(current) != said(previous) else ""


def update(receiver: Receiver, envelope: Envelope, patient: Json, found: Json, resources: Resources) -> bytes:
    """VXU^V04 of one vaccination."""
    visit = resources.get(str(found.get("encounter", {}).get("reference", "")))
    lines = [pid(patient, receiver, account=account_of(visit))]
    lines += [pv1(visit, resources, receiver)] if visit else []
    return write(receiver, envelope, "VXU", "V04", [*lines, *vaccination(found, resources, receiver)])
