"""
Compartments as conditions: what is inside, and what of the resources that are pointed at belongs to it.

https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from records.definitions import definitions
from records.search.key import EXACT, Condition, both, either, equals, negated

# The trail of who looked is asked for by itself: it would drown the record.
LEFT_OUT = frozenset({"AuditEvent"})
NOBODYS: Condition = {"p": []}
ITSELF = "{def}"


@dataclass(frozen=True, slots=True)
class Scope:
    """
    A compartment: `owner` is the type that comes first, `kinds` are the types inside.

    `leads_to` says which types are fetched from outside, `outside` which of them belong to the picture.
    """

    owner: str
    kinds: frozenset[str]
    inside: Callable[[str], Condition]
    leads_to: Callable[[str], bool]
    outside: Callable[[str], Condition]


def compartment_of_patients(patients: Sequence[str] | None) -> Scope:
    """Of these source Patients, or of all that there are."""
    asked: Condition = {"p": {"$in": list(patients)}} if patients is not None else {"p": {"$ne": []}}
    kinds = frozenset(definitions().compartment("Patient")) | {"Patient"}
    return Scope("Patient", kinds, lambda _kind: asked, lambda kind: kind not in kinds, lambda _kind: NOBODYS)


def compartment_of_encounter(encounter: str, patients: Sequence[str]) -> Scope:
    """Of one Encounter; what it points at is nobody's record, or that of the encounter's own patients."""
    codes = definitions().compartment("Encounter")

    def inside(kind: str) -> Condition:
        keys = [f"{code}{EXACT}Encounter/{encounter}" for code in codes[kind] if code != ITSELF]
        named: list[Condition] = [{"_id": encounter}] if kind == "Encounter" else []
        return either([*named, *([equals(keys)] if keys else [])])

    def outside(kind: str) -> Condition:
        belongs = either([NOBODYS, {"p": {"$in": list(patients)}}])
        return both([belongs, negated(inside(kind))]) if kind in codes else belongs

    return Scope("Encounter", frozenset(codes), inside, lambda kind: kind not in LEFT_OUT, outside)
