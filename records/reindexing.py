"""
Compute search keys again, after the definitions or the way of indexing changed; never a new version.

A resource that is written meanwhile has its new keys already: the change names the version it was computed from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pymongo import UpdateOne

from records.collections import Collections
from records.search import index
from records.stored import decode

BATCH = 500


async def reindex(collections: Collections, progress: Callable[[str, int], None]) -> int:
    """All types; returns how many resources had other keys. Stops and starts anew without harm."""
    changed = 0
    for kind in await collections.existing():
        await collections.prepare(kind)
        count = await _reindex_type(collections, kind)
        progress(kind, count)
        changed += count
    return changed


async def _reindex_type(collections: Collections, kind: str) -> int:
    changed, operations = 0, list[UpdateOne]()
    async for row in collections.of(kind).find({"d": False}).batch_size(BATCH):
        if (fields := _fields(row)) != {name: row[name] for name in fields}:
            operations.append(UpdateOne({"_id": row["_id"], "v": row["v"]}, {"$set": fields}))
        if len(operations) == BATCH:
            changed += (await collections.of(kind).bulk_write(operations, ordered=False)).modified_count
            operations = []
    if operations:
        changed += (await collections.of(kind).bulk_write(operations, ordered=False)).modified_count
    return changed


def _fields(row: dict[str, Any]) -> dict[str, Any]:
    found = index(decode(bytes(row["text"])))
    return {"k": list(found.keys), "p": list(found.patients), "l": list(found.labels), "s": found.sort}
