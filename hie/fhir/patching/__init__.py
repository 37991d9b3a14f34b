"""
Four ways to say what changes: JSON Patch, JSON Merge Patch, XML Patch, FHIRPath Patch (in JSON, and in XML).

https://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hie.errors import Unsupported
from hie.fhir.patching import fhirpath_patch, json_patch, merge_patch, xml_patch
from hie.fhir.patching.narrative import kept_safe
from records.errors import Invalid, NotUnderstood
from records.stored import Json, encode
from records.validation import parse

Patch = Callable[[Json, bytes], Json]
KINDS: Mapping[str, Patch] = {
    "application/json-patch+json": json_patch.apply,
    "application/merge-patch+json": merge_patch.apply,
    "application/fhir+json": fhirpath_patch.apply,
    "application/json": fhirpath_patch.apply,
    # XML is read as JSON before it comes here.
    "application/fhir+xml": fhirpath_patch.apply,
    "application/xml": fhirpath_patch.apply,
    "application/xml-patch+xml": xml_patch.apply,
}


def patched(resource: Json, content_type: str, body: bytes) -> Json:
    """The resource after the patch; Unsupported for another format, Invalid where it cannot be applied."""
    patch = KINDS.get(content_type)
    if patch is None:
        raise Unsupported(f"A patch is one of {', '.join(sorted(KINDS))}.")
    after = _legible(patch(resource, body))
    if not isinstance(after, dict) or any(after.get(name) != resource[name] for name in ("resourceType", "id")):
        raise Invalid("A patch changes neither the type nor the id of a resource.")
    return kept_safe(resource, after)


def _legible(after: Json) -> Json:
    """Read again as if it came so: a patch can nest deeper than a body may."""
    try:
        return parse(encode(after))
    except (RecursionError, NotUnderstood) as error:
        raise Invalid("What the patch makes is no resource that could be sent.") from error
