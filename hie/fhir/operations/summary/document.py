"""
The document Bundle: joined from stored texts, closed in itself.

http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from functools import partial

from hie.fhir.operations.summary.closure import Closing
from hie.fhir.operations.summary.composition import Draft, Own, composition, exchange
from records.documents import instant
from records.stored import Json, encode

ABSENT = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}


def document(draft: Draft, others: tuple[str, ...]) -> bytes:
    """The whole summary; `others` are the further source Patients of the human."""
    identity = uuid.uuid4()
    device, organization = exchange(draft)
    first = composition(draft, uuid.uuid4(), device, organization)
    head: Json = {
        "resourceType": "Bundle",
        "id": str(identity),
        "meta": {"lastUpdated": instant(draft.at), "profile": [draft.rules["bundle_profile"]]},
        "language": draft.language,
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{identity}"},
        "type": "document",
        "timestamp": instant(draft.at),
    }
    ours = [_entry(one.address, encode(one.resource)) for one in (first, device, organization)]
    subject, *rest = _stored(draft, others)
    return encode(head)[:-1] + b',"entry":[' + b",".join((ours[0], subject, *ours[1:], *rest)) + b"]}"


def _stored(draft: Draft, others: tuple[str, ...]) -> Iterator[bytes]:
    items = draft.items()
    versions = {item.reference: str(item.row.version) for item in items}
    same = {f"Patient/{one}": draft.subject.reference for one in others}
    closing = Closing(draft.base, versions, same)
    fill = partial(complete, required=draft.rules["required_elements"])
    for item in items:
        yield _entry(f"{draft.base}/{item.reference}", closing.text(item, fill))


def _entry(address: str, text: bytes) -> bytes:
    return b'{"fullUrl":' + encode_text(address) + b',"resource":' + text + b"}"


def encode_text(text: str) -> bytes:
    """A JSON string."""
    return encode(text)  # type: ignore[arg-type]


def complete(resource: Json, required: Mapping[str, Mapping[str, str]]) -> Json:
    """An element that a summary must have and the source did not say is said to be unknown."""
    missing = [
        place
        for stem, place in required.get(resource["resourceType"], {}).items()
        if not any(name.lstrip("_").startswith(stem) for name in resource)
    ]
    return {**resource, **dict(map(_unknown, missing))} if missing else resource


def _unknown(place: str) -> tuple[str, object]:
    match place:
        case "name":
            return "name", [{"extension": [ABSENT]}]
        case "code":
            return "code", {"extension": [ABSENT]}
        case _:
            return f"_{place}", {"extension": [ABSENT]}


__all__ = ["Own", "document"]
