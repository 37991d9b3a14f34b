"""
A patch as the entry of a bundle: a Binary that holds a JSON Patch, or a Parameters resource that is a FHIRPath Patch.

https://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

import base64
import binascii

from records import validation
from records.errors import Invalid


def patch_of(text: bytes) -> tuple[str, bytes]:
    """The media type and the patch; Invalid where the entry's resource is neither."""
    resource = validation.parse(text)
    match resource.get("resourceType"):
        case "Parameters":
            return "application/fhir+json", text
        case "Binary":
            return str(resource.get("contentType", "")).partition(";")[0].strip().lower(), _data(resource.get("data"))
        case _:
            raise Invalid("A patch in a bundle is a Binary (JSON Patch) or Parameters (FHIRPath Patch).", status=400)


def _data(value: object) -> bytes:
    try:
        return base64.b64decode(str(value or ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("The Binary's data is not base64.", status=400) from error
