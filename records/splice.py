"""
The text that is stored: the sender's own bytes, with only `id` and `meta` put in.

https://hl7.org/fhir/R4/http.html#create (the server sets id, versionId and lastUpdated)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from records.errors import NotUnderstood

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
# A name may be written with escapes: it is found by its place, not by its letters.
_NAME = re.compile(rb'[\s,]*"(?:[^"\\]|\\.)*"\s*:\s*')
_TYPE = b'"resourceType"'


def splice(text: bytes, identity: str, meta: bytes) -> bytes:
    """
    `text` with these values of `id` and `meta`, every other byte as it was.

    A member that is there is replaced in its place; one that is missing follows resourceType.
    """
    spans = list(_spans(text))
    values = {"id": b'"' + identity.encode() + b'"', "meta": meta}
    present = {name for name, _, _ in spans}
    missing = b"".join(b',"' + name.encode() + b'":' + value for name, value in values.items() if name not in present)
    parts, end = [], 0
    for name, start, stop in spans:
        value = values.get(name, text[start:stop])
        parts += [text[end:start], value, missing if name == "resourceType" else b""]
        end = stop
    return b"".join(parts) + text[end:].rstrip()


def _spans(text: bytes) -> Iterator[tuple[str, int, int]]:
    """Each top-level member with the place of its value; the members are in the order of the text."""
    try:
        members = _members.decode(text)
    except msgspec.DecodeError as error:
        raise NotUnderstood("The text is not a JSON object.") from error
    at = text.index(b"{") + 1
    for name, raw in members.items():
        found = _NAME.match(text, at)
        assert found is not None
        start = found.end()
        at = start + len(memoryview(raw))
        yield name, start, at
