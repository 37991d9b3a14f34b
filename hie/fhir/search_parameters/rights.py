"""
Who may define search parameters, profiles and codes, and have resources indexed again: a system, or an administrator.

What a definition finds or asks is everybody's business: it decides by what every record can be looked for, and what is
valid. https://hl7.org/fhir/R4/searchparameter.html, https://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

from collections.abc import Iterable

from hie.access.caller import Caller
from hie.access.policy import Denied
from records.stored import Write

TYPE = "SearchParameter"
DEFINITIONS = {
    TYPE: ("search-parameters-not-allowed", "Search parameters"),
    "StructureDefinition": ("profiles-not-allowed", "Profiles"),
    "ValueSet": ("value-sets-not-allowed", "Value sets"),
    "CodeSystem": ("code-systems-not-allowed", "Code systems"),
    "ConceptMap": ("concept-maps-not-allowed", "Concept maps"),
}
ROLES = frozenset({"system", "administrator"})


def allow(caller: Caller, writes: Iterable[Write]) -> None:
    """Denied where a definition is among the writes of somebody else."""
    for write in writes:
        allow_type(caller, write.type)


def allow_type(caller: Caller, resource_type: str) -> None:
    """The same for what will be a write of this type."""
    if resource_type in DEFINITIONS and caller.role not in ROLES:
        reason, what = DEFINITIONS[resource_type]
        raise Denied(reason, f"{what} are defined by a system or an administrator.")


def allow_reindexing(caller: Caller) -> None:
    """Denied for everybody else."""
    if caller.role not in ROLES:
        raise Denied("reindexing-not-allowed", "Reindexing is asked for by a system or an administrator.")
