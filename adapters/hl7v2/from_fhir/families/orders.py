"""
ServiceRequest to ORM^O01 and OML^O21.

HL7 v2 chapter 4
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.from_fhir.codes import table_code
from adapters.hl7v2.from_fhir.families.oru import said
from adapters.hl7v2.from_fhir.names import Resources
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.segments.obr import numbers, obr_of_order, orc, tq1
from adapters.hl7v2.from_fhir.segments.obx import notes, specimens
from adapters.hl7v2.from_fhir.segments.pid import pid
from adapters.hl7v2.from_fhir.segments.pv1 import account_of, pv1
from adapters.hl7v2.from_fhir.writing import Envelope, write

_ORDERS = frozenset({"order", "original-order", "reflex-order", "filler-order", "instance-order"})


def is_news(current: Json, previous: Json | None) -> bool:
    """True for an order, not a plan or proposal, that says something new."""
    return current.get("intent") in _ORDERS and (previous is None or said(current) != said(previous))


def control(order: Json, *, new: bool) -> tuple[str, str]:
    """ORC-1 and ORC-5."""
    status = str(order.get("status", ""))
    ends = {"revoked": "CA", "entered-in-error": "CA", "on-hold": "HD"}
    if status in ends:
        return ends[status], table_code("0038", status)
    if status == "completed":
        return "SC", "CM"
    return ("NW", "") if new else ("XO", table_code("0038", status))


def service(
    receiver: Receiver, envelope: Envelope, code: str, patient: Json, order: Json, resources: Resources, *, new: bool
) -> bytes:
    """ORM^O01 or OML^O21 of one order; `code` is ORM or OML."""
    visit = resources.get(str(order.get("encounter", {}).get("reference", "")))
    samples = [resources[one["reference"]] for one in order.get("specimen", ()) if one.get("reference") in resources]
    word, status = control(order, new=new)
    lines = [
        pid(patient, receiver, account=account_of(visit)),
        *([pv1(visit, resources, receiver)] if visit else []),
        orc(word, status, order, resources, receiver, numbers(order, receiver)),
        *tq1(order),
        obr_of_order(1, order, resources, receiver),
        *notes(order.get("note", ())),
        *specimens(samples, receiver),
    ]
    return write(receiver, envelope, code, "O21" if code == "OML" else "O01", lines)
