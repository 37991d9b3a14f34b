"""
ED, RP and text to Attachment: checked, hashed, inline while small, a Binary of its own when large.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-ed-to-attachment.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence

from adapters.facts import Json, resource_id
from adapters.hl7v2.charset import codec_of
from adapters.hl7v2.message import Segment, Value
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.observation_value import TEXT
from adapters.hl7v2.to_fhir.reconcile.documents import labelled
from adapters.hl7v2.to_fhir.text import whole_text

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
    "TXT": "text/plain",
    "TEXT": "text/plain",
    "DICOM": "application/dicom",
    "BASIC": "audio/basic",
    "OCTET-STREAM": "application/octet-stream",
    "X-HL7-CDA-LEVEL-ONE": "text/xml",
    "X-HL7-CDA-LEVEL-ONE-MULTIPART": "text/xml",
}
_DEFAULTS = {"IM": "image/jpeg", "AU": "audio/basic", "TEXT": "text/plain", "TX": "text/plain", "FT": "text/plain"}
_RTF = r"{\rtf"
_CODE_PAGE = re.compile(r"\\ansicpg(\d{3,5})")


def content_type(kind: str, subtype: str) -> str:
    """The MIME type of ED-2 and ED-3 (or TXA-3)."""
    if "/" in subtype:
        return subtype.strip().lower()
    return (
        _KINDS.get(subtype.strip().upper(), "") or _DEFAULTS.get(kind.strip().upper(), "") or "application/octet-stream"
    )


def attachments(draft: Draft, obx: Segment, owner: str, labels: Sequence[Json] = ()) -> list[Json]:
    """
    An OBX of type ED, RP or text as Attachments: several for what no resource holds whole, none for the unreadable.

    `owner` names what it belongs to; `labels` are the security labels of what is kept beside it.
    """
    kind = obx.text(2).strip().upper()
    if kind == "RP":
        return _pointers(obx)
    if kind == "ED":
        return _encapsulated(draft, obx, owner, labels)
    text = whole_text(obx, 5) if kind in TEXT else ""
    return [text_attachment(text, _title(obx))] if text else []


def text_attachment(text: str, title: str = "") -> Json:
    """Text as Attachment; RTF goes back into the code page that it declares, for its readers know no other."""
    if not text.lstrip().startswith(_RTF):
        return _inline(text.encode(), "text/plain; charset=utf-8", title)
    page = _CODE_PAGE.search(text)
    codec = (codec_of(f"cp{page[1]}") or f"cp{page[1]}") if page else "ascii"
    return _inline(_encoded(text, codec), "text/rtf", title)


def _encoded(text: str, codec: str) -> bytes:
    """Bytes in a code page; what it lacks is written as RTF writes any character, by its UTF-16 numbers."""
    try:
        return text.encode(codec)
    except (UnicodeEncodeError, LookupError):
        return "".join(one if one.isascii() else _by_number(one) for one in text).encode("ascii")


def _by_number(character: str) -> str:
    units = character.encode("utf-16-le")
    numbers = [int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2)]
    return "".join(f"\\u{number}?" for number in numbers)


def _title(obx: Segment) -> str:
    return obx.text(3, 2) or obx.text(3)


def _pointers(obx: Segment) -> list[Json]:
    address = obx.text(5).strip()
    if ":" not in address or " " in address:
        return []
    return [{"contentType": content_type(obx.text(5, 3), obx.text(5, 4)), "url": address, "title": _title(obx)}]


def _encapsulated(draft: Draft, obx: Segment, owner: str, labels: Sequence[Json]) -> list[Json]:
    value = obx[5]
    data = _decoded(value)
    if data is None:
        draft.remark("OBX-5 is no valid base64")
        draft.lost(obx, 5)
        return []
    mime = _with_charset(content_type(value[2], value[3]), data, draft.message.charset)
    if len(data) <= INLINE_BYTES:
        return [_inline(data, mime, _title(obx))]
    if len(data) <= LARGEST_BYTES:
        return [_outside(draft, data, mime, _title(obx), owner, labels)]
    return _parts(draft, data, _title(obx) or mime, owner, labels)


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


def _with_charset(mime: str, data: bytes, codec: str) -> str:
    """Plain text tells its character set: a reader would guess, and Chinese senders write GBK into UTF-8 messages."""
    if mime != "text/plain" or data.isascii():
        return mime
    for name, reads in (("utf-8", "utf-8"), (codec.upper(), codec), ("GB18030", "gb18030")):
        try:
            data.decode(reads)
        except (UnicodeDecodeError, LookupError):
            continue
        return f"text/plain; charset={name}"
    return mime


def _inline(data: bytes, mime: str, title: str) -> Json:
    return {"contentType": mime, "data": base64.b64encode(data).decode(), **_described(data, title)}


def _outside(draft: Draft, data: bytes, mime: str, title: str, owner: str, labels: Sequence[Json]) -> Json:
    digest = hashlib.sha256(data).hexdigest()
    resource = {"resourceType": "Binary", "id": resource_id(owner, "Binary", digest), "contentType": mime}
    subject = {"securityContext": {"reference": f"Patient/{draft.subjects[0]}"}} if draft.subjects else {}
    meta = {"meta": {"security": list(labels)}} if labels else {}
    target = draft.add({**resource, **subject, **meta, "data": base64.b64encode(data).decode()}, labelled)
    return {"contentType": mime, "url": target["reference"], **_described(data, title)}


def _parts(draft: Draft, data: bytes, title: str, owner: str, labels: Sequence[Json]) -> list[Json]:
    """What no single resource holds: consecutive pieces, each a Binary, to be joined in their order."""
    pieces = [data[at : at + LARGEST_BYTES] for at in range(0, len(data), LARGEST_BYTES)]
    draft.remark("an attachment is larger than a resource may be; it is kept in parts")
    return [
        _outside(draft, piece, "application/octet-stream", f"{title} ({at}/{len(pieces)})", owner, labels)
        for at, piece in enumerate(pieces, start=1)
    ]


def _described(data: bytes, title: str) -> Json:
    # Attachment.hash is SHA-1 by the standard; it tells copies apart and guards nothing.
    digest = base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
    return {"size": len(data), "hash": digest, "title": title}
