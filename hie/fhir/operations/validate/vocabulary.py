"""
Whether a code is of a value set, as validation asks it: from the same tables that the terminology service answers by.

Three answers: yes, no, and that it cannot be said here, which is never taken for either.
https://hl7.org/fhir/R4/valueset.html#compositions
"""

from __future__ import annotations

from dataclasses import dataclass

from terminology.tables.library import Library
from terminology.tables.membership import Membership


@dataclass(frozen=True, slots=True)
class RegionVocabulary:
    """`records.validation.profiles.Vocabulary` over what is stored, the region's dictionary and HL7's tables."""

    library: Library

    def holds(self, value_set: str, system: str | None, code: str, /) -> bool | None:
        """Whether a code is of the set; None where that cannot be said."""
        # A binding names the version that its author knew; what is held of the set answers for it.
        found = self.library.value_set(value_set) or self.library.value_set(value_set.partition("|")[0])
        return None if found is None else Membership(self.library).holds(found, system, code)
