"""
A Bundle as it was sent: entries with their resources still in the sender's own bytes.

https://hl7.org/fhir/R4/bundle.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from records import validation
from records.errors import Invalid, NotUnderstood

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"})


class _Request(msgspec.Struct, rename="camel"):
    method: str
    url: str
    if_match: str | None = None
    if_none_match: str | None = None
    if_none_exist: str | None = None
    if_modified_since: str | None = None


class _Entry(msgspec.Struct, rename="camel"):
    full_url: str = ""
    resource: msgspec.Raw = msgspec.Raw(b"")
    request: _Request | None = None


class _Bundle(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    type: str = ""
    entry: list[_Entry] = []


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: what to do, and the resource's own bytes (empty where there is none)."""

    number: int
    method: str
    url: str
    full_url: str = ""
    resource: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Submission:
    """The whole bundle."""

    kind: str
    entries: tuple[Entry, ...]


_decoder = msgspec.json.Decoder(_Bundle)


def read_submission(body: bytes) -> Submission:
    """Read a Bundle; NotUnderstood where it is not one, Invalid where an entry says not what to do."""
    validation.read_json(body)
    try:
        bundle = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise NotUnderstood("The body is not a Bundle as FHIR defines it.") from error
    if bundle.resource_type != "Bundle":
        raise NotUnderstood("The base takes a Bundle; another resource goes to its type.")
    entries = tuple(_entry(number, entry) for number, entry in enumerate(bundle.entry))
    _check_names(entries)
    return Submission(bundle.type, entries)


def _check_names(entries: Sequence[Entry]) -> None:
    """A full address names one entry of the bundle, and a resource, not one of its versions (bdl-7, bdl-8)."""
    seen = set[str]()
    for entry in entries:
        if not entry.full_url:
            continue
        if entry.full_url in seen or "/_history/" in entry.full_url:
            raise Invalid(
                f"Bundle.entry[{entry.number}].fullUrl names one resource, and is no other entry's.", status=400
            )
        seen.add(entry.full_url)


def _entry(number: int, entry: _Entry) -> Entry:
    request = entry.request
    if request is None or request.method not in METHODS or not request.url:
        raise Invalid(f"Bundle.entry[{number}].request needs a method and a url.", status=400)
    conditions = {
        "if-match": request.if_match,
        "if-none-match": request.if_none_match,
        "if-none-exist": request.if_none_exist,
        "if-modified-since": request.if_modified_since,
    }
    headers = {name: value for name, value in conditions.items() if value}
    return Entry(number, request.method, request.url, entry.full_url, bytes(entry.resource), headers)
