"""
Profiles on writes: with HIE_FHIR_PROFILES=enforce, what a resource claims in meta.profile must be true.

One place for every door: FHIR requests, messages of HL7 v2 and of FHIR, imports, the workbench.
https://hl7.org/fhir/R4/profiling.html#enforcing
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hie.fhir.operations.validate.findings import broken_claims
from hie.settings import Settings
from records.errors import Invalid
from records.resource_store import ResourceStore
from records.stored import Write


@dataclass(frozen=True, slots=True)
class Claims:
    """Holds writes to the profiles that they claim, where that is wanted."""

    store: ResourceStore
    enforced: bool

    @classmethod
    def of(cls, store: ResourceStore, settings: Settings) -> Claims:
        """As the settings say."""
        return cls(store, settings.fhir_profiles == "enforce")

    async def __call__(self, writes: Sequence[Write]) -> None:
        """Invalid where a write claims a profile and does not keep it; nothing where profiles are not enforced."""
        for write in writes if self.enforced else ():
            if write.interaction != "delete" and write.resource is not None:
                issues = await broken_claims(self.store, write.resource)
                if issues:
                    raise Invalid("The resource does not conform to a profile that it claims.", issues=issues)
