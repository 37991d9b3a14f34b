"""
A stored version as a database document, and what a decision lets through as a database filter.

`{_id, v, t, text, d, k, p, l, s, g}`: logical id, version, last update, the exact JSON, deleted, search keys, source
patients, security labels, sort values, the generation of what it is indexed by; `b` of a version that began a resource
says how. An older version in `history` has `r` and `i`, type and id, of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from records.definitions import definitions
from records.search import index
from records.splice import splice
from records.stored import Json, Stored, Visibility, Write, encode

Document = dict[str, Any]
WITHOUT_KEYS = {"k": 0, "s": 0}


def build(write: Write, version: int, at: datetime) -> Document:
    """The document of a create or update."""
    assert write.resource is not None
    resource = {**write.resource, "id": write.id, "meta": _meta(write, version, at)}
    spliced = splice(write.text, write.id, encode(resource["meta"])) if write.text is not None else None
    text = encode(_leading(resource)) if spliced is None else spliced
    found = index(resource)
    return {
        "_id": write.id, "v": version, "t": at, "text": text, "d": False, "k": list(found.keys),
        "p": list(found.patients), "l": list(found.labels), "s": found.sort, "g": definitions().generation,
    }  # fmt: skip


def tombstone(before: Stored, at: datetime) -> Document:
    """The document of a deletion: found by no search, still in the compartment that it was in."""
    return {
        "_id": before.id, "v": before.version + 1, "t": at, "text": b"", "d": True, "k": [],
        "p": list(before.patients), "l": list(before.labels), "s": {},
    }  # fmt: skip


def past(row: Stored) -> Document:
    """A version that is no longer the current one."""
    created = {"b": row.created} if row.created else {}
    return {
        "_id": f"{row.reference}/{row.version}", "r": row.type, "i": row.id, "v": row.version, "t": row.updated,
        "text": row.text, "d": row.deleted, "p": list(row.patients), "l": list(row.labels), **created,
    }  # fmt: skip


def to_stored(resource_type: str, document: Mapping[str, Any]) -> Stored:
    """A current or past document as a value."""
    at: datetime = document["t"]
    return Stored(
        resource_type,
        document.get("i") or document["_id"],
        document["v"],
        at if at.tzinfo else at.replace(tzinfo=UTC),
        bytes(document["text"]),
        document["d"],
        tuple(document["p"]),
        document.get("b", ""),
        tuple(document["l"]),
    )


def visible(resource_type: str, visibility: Visibility) -> Document | None:
    """The filter that leaves what may be seen; None where nothing of the type may be."""
    if visibility.types is not None and resource_type not in visibility.types:
        return None
    asked: Document = {}
    if visibility.patients is not None:
        asked["p"] = {"$in": sorted(visibility.patients)}
        if resource_type in visibility.shared_types:
            asked = {"$or": [{"p": []}, asked]}
    if visibility.denied:
        asked = {"$and": [asked, {"p": {"$nin": sorted(visibility.denied)}}]} if asked else {
            "p": {"$nin": sorted(visibility.denied)}
        }  # fmt: skip
    if visibility.hidden_labels:
        asked["l"] = {"$nin": sorted(visibility.hidden_labels)}
    return asked


def moment(now: datetime) -> datetime:
    """A time as the database keeps it: milliseconds, so that text and document agree."""
    return now.astimezone(UTC).replace(microsecond=now.microsecond // 1000 * 1000)


def instant(at: datetime) -> str:
    """A FHIR instant."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _meta(write: Write, version: int, at: datetime) -> Json:
    assert write.resource is not None
    meta = {"versionId": str(version), "lastUpdated": instant(at)}
    if write.source:
        meta["source"] = write.source
    given = {name: value for name, value in write.resource.get("meta", {}).items() if name not in meta}
    return meta | given


def _leading(resource: Json) -> Json:
    """Type, id and meta first, as people read them."""
    first = {name: resource[name] for name in ("resourceType", "id", "meta")}
    return first | resource
