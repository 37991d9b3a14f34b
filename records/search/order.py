"""
In which order a search answers where none is asked: the newest first, by the date that matters for the type.

https://hl7.org/fhir/R4/search.html#sort (the server's own choice)
"""

from __future__ import annotations

from functools import cache

from records.definitions import definitions
from records.search.request import Sort

# Where another date than `date` says when it was done, or `date` is a plan that few resources have.
CHIEF = {
    "AllergyIntolerance": "date", "CarePlan": "date", "Claim": "created", "ClaimResponse": "created",
    "Communication": "sent", "CommunicationRequest": "authored", "Condition": "recorded-date",
    "ExplanationOfBenefit": "created", "MedicationAdministration": "effective-time",
    "MedicationDispense": "whenhandedover", "MedicationRequest": "authoredon", "MedicationStatement": "effective",
    "Provenance": "recorded", "ServiceRequest": "authored", "Task": "authored-on",
}  # fmt: skip

# Beside the usual order: what people sort and narrow by where a type has no date that orders it.
ALSO = {"Patient": ("birthdate",)}


@cache
def chief_date(resource_type: str) -> str | None:
    """The search parameter that dates a type; None where it has none (a Patient, an Organization)."""
    known = definitions().search_parameters(resource_type)
    code = CHIEF.get(resource_type, "date")
    return code if code in known and known[code].type == "date" else None


@cache
def usual(resource_type: str) -> tuple[Sort, ...]:
    """The order of a search that asks for none."""
    code = chief_date(resource_type)
    return (Sort(code, descending=True),) if code else ()


def ordered(resource_type: str) -> tuple[str, ...]:
    """The parameters that a type has an index in the order of."""
    return (*(sort.code for sort in usual(resource_type)), *ALSO.get(resource_type, ()))
