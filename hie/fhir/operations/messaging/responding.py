"""
The response message: which message it answers, how it went, and what became of each resource.

https://hl7.org/fhir/R4/messageheader-definitions.html#MessageHeader.response
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from hie.fhir.operations.messaging.reading import Header
from hie.fhir.outcome import outcome
from records.documents import instant
from records.errors import Issue
from records.stored import Json, encode

Code = Literal["ok", "transient-error", "fatal-error"]
NAME = "Regional health information exchange"


def response(header: Header, code: Code, issues: Sequence[Issue], base: str, at: datetime) -> bytes:
    """A Bundle of type message: header and OperationOutcome."""
    envelope, answer, details = (str(uuid.uuid4()) for _ in range(3))
    head: Json = {
        "resourceType": "Bundle",
        "id": envelope,
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{envelope}"},
        "type": "message",
        "timestamp": instant(at),
    }
    said: Json = {
        "resourceType": "MessageHeader",
        "id": answer,
        **_event(header.resource),
        "destination": [_destination(header)],
        "source": {"name": NAME, "endpoint": f"{base}/$process-message"},
        "response": {"identifier": header.id, "code": code, "details": {"reference": f"urn:uuid:{details}"}},
    }
    entries = (_entry(answer, encode(said)), _entry(details, outcome(issues)))
    return encode(head)[:-1] + b',"entry":[' + b",".join(entries) + b"]}"


def _event(header: Json) -> Json:
    for name in ("eventCoding", "eventUri"):
        if header.get(name):
            return {name: header[name]}
    return {"eventUri": "urn:hie:message-event:unknown"}


def _destination(header: Header) -> Json:
    source = header.resource.get("source", {})
    name = {"name": source["name"]} if isinstance(source.get("name"), str) else {}
    return {**name, "endpoint": header.endpoint}


def _entry(identity: str, resource: bytes) -> bytes:
    return b'{"fullUrl":"urn:uuid:' + identity.encode() + b'","resource":' + resource + b"}"
