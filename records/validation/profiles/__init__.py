"""
What `$validate` knows beyond the gate of every write: all invariants of R4, profiles, extensions and their slices.

Definitions come from HL7's own package, and from whoever calls: the stores' StructureDefinitions and value sets.
https://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from records.validation.profiles.bindings import check_bindings
from records.validation.profiles.conformance import check_claims, check_profile, claims, extensions_used
from records.validation.profiles.extensions import check_extensions
from records.validation.profiles.invariants import check_invariants
from records.validation.profiles.known import Known, Version, core
from records.validation.profiles.rules import Profile, Unusable
from records.validation.profiles.vocabulary import NO_VOCABULARY, Vocabulary

__all__ = [
    "NO_VOCABULARY", "Known", "Profile", "Unusable", "Version", "Vocabulary", "check_bindings", "check_claims",
    "check_extensions", "check_invariants", "check_profile", "claims", "core", "extensions_used",
]  # fmt: skip
