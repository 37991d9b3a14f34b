"""
ED and RP to Attachment: checked, hashed, inline while small, a Binary of its own when large.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-ed-to-attachment.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment, Value
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.observation_value import TEXT, whole_text

# A resource is one database document of at most 16 MB (MongoDB), base64 adds a third.
INLINE_BYTES = 1_000_000
LARGEST_BYTES = 11_000_000
_KINDS = {
    "PDF": "application/pdf",
    "RTF": "text/rtf",
    "HTML": "text/html",
    "XML": "text/xml",
    "JPEG": "image/jpeg",
    "JPG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "PLAIN": "text/plain",
    "TEXT": "text/plain",
    "DICOM": "application/dicom",
    "BASIC": "audio/basic",
    "OCTET-STREAM": "application/octet-stream",
    "X-HL7-CDA-LEVEL-ONE": "text/xml",
    "X-HL7-CDA-LEVEL-ONE-MULTIPART": "text/xml",
}
_DEFAULTS = {"IM": "image/jpeg", "AU": "audio/basic", "TEXT": "text/plain", "TX": "text/plain", "FT": "text/plain"}


def content_type(kind: str, subtype: str) -> str:
    """The MIME type of ED-2 and ED-3 (or TXA-3)."""
    if "/" in subtype:
        return subtype.strip().lower()
    return (
        _KINDS.get(subtype.strip().upper(), "") or _DEFAULTS.get(kind.strip().upper(), "") or "application/octet-stream"
    )


def attachment(draft: Draft, obx: Segment, owner: str) -> Json:
    """An OBX of type ED, RP or text as Attachment, {} when nothing is readable; `owner` names what it belongs to."""
    kind = obx.text(2).strip().upper()
    if kind == "RP":
        return _pointer(obx)
    if kind == "ED":
        return _encapsulated(draft, obx, owner)
    text = whole_text(obx, 5) if kind in TEXT else ""
    return text_attachment(text, _title(obx)) if text else {}


def text_attachment(text: str, title: str = "") -> Json:
    """Plain text as Attachment."""
    return _inline(text.encode(), "text/plain; charset=utf-8", title)


def _title(obx: Segment) -> str:
    return obx.text(3, 2) or obx.text(3)


def _pointer(obx: Segment) -> Json:
    address = obx.text(5).strip()
    url = address if ":" in address and " " not in address else ""
    return (
        {"contentType": content_type(obx.text(5, 3), obx.text(5, 4)), "url": url, "title": _title(obx)} if url else {}
    )


def _encapsulated(draft: Draft, obx: Segment, owner: str) -> Json:
    value = obx[5]
    data = _decoded(value)
    if data is None or len(data) > LARGEST_BYTES:
        draft.remark("OBX-5 is no valid base64" if data is None else "an attachment is larger than a record may be")
        draft.lost(obx, 5)
        return {}
    mime = content_type(value[2], value[3])
    if len(data) <= INLINE_BYTES:
        return _inline(data, mime, _title(obx))
    return _outside(draft, data, mime, _title(obx), owner)


def _decoded(value: Value) -> bytes | None:
    """ED-5 as bytes; None when it is not what ED-4 says it is."""
    text, encoding = value[5], value[4].strip().upper()
    if encoding in ("BASE64", ""):
        try:
            return base64.b64decode("".join(text.split()), validate=True) or None
        except (binascii.Error, ValueError):
            return text.encode() or None if not encoding else None
    if encoding == "HEX":
        try:
            return bytes.fromhex(text)
        except ValueError:
            return None
    return text.encode() or None


def _inline(data: bytes, mime: str, title: str) -> Json:
    return {
        "contentType": mime,
        "data": base64.b64encode(data).decode(),
        "size": len(data),
        "hash": _hash(data),
        "title": title,
    }


def _outside(draft: Draft, data: bytes, mime: str, title: str, owner: str) -> Json:
    digest = hashlib.sha256(data).hexdigest()
    resource = {"resourceType": "Binary", "id": resource_id(owner, "Binary", digest), "contentType": mime}
    subject = {"securityContext": {"reference": f"Patient/{draft.subjects[0]}"}} if draft.subjects else {}
    target = draft.add({**resource, **subject, "data": base64.b64encode(data).decode()})
    return {"contentType": mime, "url": target["reference"], "size": len(data), "hash": _hash(data), "title": title}


def _hash(data: bytes) -> str:
    # Attachment.hash is SHA-1 by the standard; it tells copies apart and guards nothing.
    return base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
