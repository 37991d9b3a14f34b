"""
Profiles on writes: with HIE_FHIR_PROFILES=enforce, what a resource claims in meta.profile must be true.

https://hl7.org/fhir/R4/profiling.html#enforcing
"""

from __future__ import annotations

from collections.abc import Sequence

from hie.fhir.call import Call
from hie.fhir.operations.validate.findings import broken_claims
from records.errors import Invalid
from records.stored import Write


async def conform(call: Call, writes: Sequence[Write]) -> None:
    """Invalid where a write claims a profile and does not keep it; nothing where profiles are not enforced."""
    if call.services.settings.fhir_profiles != "enforce":
        return
    for write in writes:
        if write.interaction != "delete" and write.resource is not None:
            issues = await broken_claims(call.services.store, write.resource)
            if issues:
                raise Invalid("The resource does not conform to a profile that it claims.", issues=issues)
