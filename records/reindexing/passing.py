"""
One batch of a pass: resources of one type that are indexed by an older generation, in the order of their ids.

A resource that is written meanwhile has its new keys already: the change names the version and the generation it was
computed from, and touches neither version nor text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from pymongo import UpdateOne

from records.collections import Collections
from records.reindexing.job import Job
from records.search import index, key_sets
from records.search.custom import InForce, in_force
from records.stored import decode

TURN = 25
# The audit trail indexes its own events, by the standard alone, and does not count generations.
SELF_INDEXED = frozenset({"AuditEvent"})
_log = structlog.get_logger("hie.reindexing")


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of one: the last id, how many were visited, changed, and which could not be indexed."""

    last: str
    visited: int
    changed: int
    failed: tuple[str, ...] = ()


def older(job: Job, resource_type: str) -> dict[str, Any]:
    """Resources that a job has to visit."""
    asked: dict[str, Any] = {"d": False, "g": {"$not": {"$gte": job.generation}}}
    if resource_type in SELF_INDEXED:
        # Whoever wrote one after all processes had confirmed wrote it by this release's rules.
        asked["t"] = {"$lte": job.confirmed}
    return asked


async def batch(collections: Collections, job: Job, known: InForce, size: int) -> Batch | None:
    """The next batch of the type that the job is at; None where there is none."""
    kind = job.types[job.at]
    asked = older(job, kind) | {"_id": {"$gt": job.cursor}}
    rows = await collections.of(kind).find(asked).sort("_id", 1).limit(size).to_list()
    if not rows:
        return None
    operations, failed, changed = list[UpdateOne](), list[str](), set[str]()
    for number, row in enumerate(rows):
        if number % TURN == TURN - 1:
            # Other work of this process goes on between.
            await asyncio.sleep(0)
        try:
            fields = keys(row, known)
        except Exception as error:
            _log.error("not indexed", reference=f"{kind}/{row['_id']}", error=type(error).__name__)
            failed.append(f"{kind}/{row['_id']}")
            continue
        if kind in key_sets.TYPES and _same(await key_sets.all_keys(collections.key_sets, row["k"]), fields["k"]):
            # It has them already, some by the names of sets.
            fields["k"] = row["k"]
        if not all(_same(row.get(name), value) for name, value in fields.items()):
            changed.add(row["_id"])
        operations.append(_update(row, fields, known.generation))
    if operations:
        await collections.of(kind).bulk_write(operations, ordered=False)
    return Batch(rows[-1]["_id"], len(rows), len(changed), tuple(failed))


def keys(row: Mapping[str, Any], known: InForce) -> dict[str, Any]:
    """What the document of a resource is found by, by these definitions."""
    with in_force(known):
        resource = decode(bytes(row["text"]))
        found = index(resource)
    fields: dict[str, Any] = {"k": list(found.keys), "s": found.sort}
    if resource["resourceType"] in SELF_INDEXED:
        # Whose record an event is shown with is what was recorded, not what its entities name.
        return fields
    return fields | {"p": list(found.patients), "l": list(found.labels)}


def _same(before: Any, now: Any) -> bool:
    """Keys stand in no order."""
    return set(before) == set(now) if isinstance(before, list) and isinstance(now, list) else before == now


def _update(row: Mapping[str, Any], fields: Mapping[str, Any], generation: int) -> UpdateOne:
    unchanged = {"_id": row["_id"], "v": row["v"], "g": {"$not": {"$gte": generation}}}
    return UpdateOne(unchanged, {"$set": {**fields, "g": generation}})
