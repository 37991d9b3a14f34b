"""
Attachment to OBX of type ED, RP or TX: the content where it is kept, else where it can be had.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-ed-to-attachment.html, read backwards
"""

from __future__ import annotations

import base64

from adapters.facts import Json
from adapters.hl7v2.from_fhir.names import Resources
from adapters.hl7v2.from_fhir.values import Told

# MIME types to table 0191 (type of data) and 0291 (subtype).
_KINDS = {
    "application/pdf": ("AP", "PDF"), "text/rtf": ("AP", "RTF"), "application/rtf": ("AP", "RTF"),
    "text/html": ("TEXT", "HTML"), "text/xml": ("TEXT", "XML"), "application/xml": ("TEXT", "XML"),
    "image/jpeg": ("IM", "JPEG"), "image/png": ("IM", "PNG"), "image/gif": ("IM", "GIF"), "image/tiff": ("IM", "TIFF"),
    "audio/basic": ("AU", "BASIC"), "application/dicom": ("IM", "DICOM"), "text/plain": ("TEXT", "PLAIN"),
}  # fmt: skip


def told(attachment: Json, resources: Resources) -> Told:
    """The attachment as a value; empty where it has neither content nor address."""
    mime = str(attachment.get("contentType", "")).partition(";")[0].strip().lower()
    url = str(attachment.get("url", ""))
    data = str(attachment.get("data") or resources.get(url, {}).get("data", ""))
    kind, subtype = _KINDS.get(mime, ("AP", "Octet-stream"))
    if data and mime == "text/plain" and (text := _text(data)) is not None:
        return Told("TX", text)
    if data:
        return Told("ED", ("", kind, subtype, "Base64", data))
    return Told("RP", (url, "", kind, subtype)) if ":" in url else Told()


def _text(data: str) -> str | None:
    try:
        return base64.b64decode(data).decode("utf-8")
    except ValueError:
        return None
