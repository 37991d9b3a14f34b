"""
ORL, ORG, ORI, ORR, ORP and RRE: what the other side makes of an order.

Accepted with a number, refused with a reason, on hold, cancelled as asked, not to be cancelled any more. A reply often
names no patient; then it changes what is there under its numbers, and makes nothing.

HL7 v2 chapters 4 and 4A (application acknowledgements of orders)
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.families.orders import DRUG, EITHER, SERVICE, state_orders
from adapters.hl7v2.to_fhir.known import known_patient
from adapters.hl7v2.to_fhir.resources.order_numbers import all_numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.sections import Order, PatientPart, orders, patients

TYPES = (
    "ORL^O22", "ORL^O34", "ORL^O36", "ORL^O40", "ORG^O20", "ORI^O24", "ORR^O02", "ORP^O10", "RRE^O12", "RRE^O26",
)  # fmt: skip
READS = frozenset({"MSA", "PID", "ORC", "OBR", "NTE", "SPM", "SAC", "TQ1", "RXO", "RXE", "RXR", "RXC"})
_KINDS = {"ORP": DRUG, "RRE": DRUG, "ORR": EITHER}


def replies(draft: Draft) -> bool:
    """Each order that the reply speaks of; a reply without any order says nothing of one."""
    segments = draft.message.segments
    parts = patients(segments)
    done = [_part(draft, part) for part in parts]
    if parts:
        return any(done)
    return _answered(draft, orders(segments), None, {})


def _part(draft: Draft, part: PatientPart) -> bool:
    known = known_patient(draft, part)
    found = orders(part.segments)
    return _answered(draft, found, *known) if known else _answered(draft, found, None, {})


def _answered(draft: Draft, found: list[Order], patient: Subject | None, visit: Json) -> bool:
    named = all_numbers(draft, found, patient.id if patient else "")
    told = [(order, one) for order, one in zip(found, named, strict=True) if one.known_by]
    state_orders(draft, told, patient, visit, kinds=_KINDS.get(draft.message.code, SERVICE))
    return bool(told)
