"""
Laws: the invariants of R4 that matter in care, as plain questions. Each has its key in the specification.

Only those of severity "error"; definitional resources (StructureDefinition, ...) have more than are here.
https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from __future__ import annotations

from records.definitions import Structure
from records.validation.laws.bundles import BUNDLES
from records.validation.laws.care import CARE
from records.validation.laws.common import DATATYPES, DOMAIN_RESOURCE
from records.validation.laws.medicines import MEDICINES
from records.validation.laws.organisation import ORGANISATION
from records.validation.walk import Law

LAWS: dict[str, tuple[Law, ...]] = {**DATATYPES, **BUNDLES, **CARE, **MEDICINES, **ORGANISATION}


def laws_of(name: str, structure: Structure) -> tuple[Law, ...]:
    """The laws of a structure; resources that may contain others have those of DomainResource too."""
    domain = DOMAIN_RESOURCE if structure.kind == "resource" and "contained" in structure.elements else ()
    return (*domain, *LAWS.get(name, ()))
