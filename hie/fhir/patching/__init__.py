"""
Three ways to say what changes: JSON Patch, JSON Merge Patch, FHIRPath Patch.

https://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hie.errors import Unsupported
from hie.fhir.patching import fhirpath_patch, json_patch, merge_patch
from records.errors import Invalid
from records.stored import Json

Patch = Callable[[Json, bytes], Json]
KINDS: Mapping[str, Patch] = {
    "application/json-patch+json": json_patch.apply,
    "application/merge-patch+json": merge_patch.apply,
    "application/fhir+json": fhirpath_patch.apply,
    "application/json": fhirpath_patch.apply,
}


def patched(resource: Json, content_type: str, body: bytes) -> Json:
    """The resource after the patch; Unsupported for another format, Invalid where it cannot be applied."""
    patch = KINDS.get(content_type)
    if patch is None:
        raise Unsupported(f"A patch is one of {', '.join(sorted(KINDS))}.")
    after = patch(resource, body)
    if not isinstance(after, dict) or any(after.get(name) != resource[name] for name in ("resourceType", "id")):
        raise Invalid("A patch changes neither the type nor the id of a resource.")
    return after
