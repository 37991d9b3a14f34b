"""
ORU and OUL: results; they never write demographics, and a visit or an order only if nobody has told of it.

HL7 v2 chapters 7 and 13; https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-message-oru-r01-to-bundle.html
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.facts import Json
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.known import Known, of_each_known
from adapters.hl7v2.to_fhir.resources.observation import loose_observations
from adapters.hl7v2.to_fhir.resources.order_numbers import Numbers, all_numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.report import report
from adapters.hl7v2.to_fhir.resources.specimen import specimens
from adapters.hl7v2.to_fhir.sections import Order, PatientPart, orders, reports

TYPES = ("ORU^R01", "ORU^R30", "ORU^R31", "ORU^R32", "ORU^R40", "OUL^R21", "OUL^R22", "OUL^R23", "OUL^R24")
READS = frozenset({"PID", "PD1", "PV1", "PV2", "ORC", "OBR", "OBX", "NTE", "SPM", "SAC", "TQ1"})
_ORC_FOLLOWS = frozenset({"OUL^R22", "OUL^R23", "OUL^R24"})


@dataclass(frozen=True, slots=True)
class ResultPart:
    """Whose results, of which visit, by which numbers."""

    patient: Subject
    visit: Json
    numbers: Numbers


def results(draft: Draft) -> bool:
    """Every patient part, every order, every result."""
    return of_each_known(draft, _part)


def _part(draft: Draft, part: PatientPart, known: Known) -> bool:
    loose_observations(draft, part.segments, *known)
    found = reports(orders(part.segments, orc_follows=draft.message.type in _ORC_FOLLOWS))
    for order, named in zip(found, all_numbers(draft, found, known[0].id), strict=True):
        report_of(draft, order, ResultPart(*known, named))
    return True


def report_of(draft: Draft, order: Order, part: ResultPart) -> None:
    """Assert the report of an order; specimens are worth keeping even without one."""
    if order.has("OBR") or order.results:
        report(draft, order, part.patient, part.visit, part.numbers)
    else:
        specimens(draft, order, order.first("OBR"), part.patient, part.numbers)
