"""
The official R4 (4.0.1) definitions, compiled: search parameters, structures, required bindings, compartments.

`python -m records.definitions.build` makes the data from HL7's package hl7.fhir.r4.core (CC0-1.0); nothing of it is
fetched at run time. https://hl7.org/fhir/R4/downloads.html
"""

from __future__ import annotations

from records.definitions.load import IN_FORCE, Definitions, definitions, official
from records.definitions.model import Check, Component, Element, Path, SearchParameter, Step, Structure, Target

__all__ = [
    "IN_FORCE", "Check", "Component", "Definitions", "Element", "Path", "SearchParameter", "Step", "Structure",
    "Target", "definitions", "official",
]  # fmt: skip
