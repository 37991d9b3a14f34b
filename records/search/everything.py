"""
Everything about some patients: their compartments type by type, then what those resources point at outside them.

https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from records.collections import Collections
from records.definitions import definitions
from records.documents import to_stored, visible
from records.search.key import EXACT, both
from records.stored import Stored, Visibility

# The trail of who looked is asked for by itself: it would drown the record.
LEFT_OUT = frozenset({"AuditEvent"})
BATCH = 500


async def walk(collections: Collections, patients: Sequence[str], visibility: Visibility) -> AsyncIterator[Stored]:
    """Each resource once, the Patients first."""
    compartment = definitions().compartment("Patient")
    existing = [one for one in await collections.existing() if one in compartment and one not in LEFT_OUT]
    outside: dict[str, None] = {}
    for kind in sorted({*existing, "Patient"}, key=lambda one: (one != "Patient", one)):
        sight = visible(kind, visibility)
        if sight is None:
            continue
        asked = both([{"p": {"$in": list(patients)}, "d": False}, sight])
        async for row in collections.of(kind).find(asked).sort("_id", 1).batch_size(BATCH):
            outside.update(dict.fromkeys(_pointed_at(kind, row["k"], compartment.keys())))
            yield to_stored(kind, row)
    async for supporting in _supporting(collections, list(outside), visibility):
        yield supporting


def _pointed_at(kind: str, keys: Sequence[str], inside: object) -> list[str]:
    """References to types that belong to no patient: practitioners, organizations, medicines, places."""
    codes = tuple(one.partition(":")[2] + EXACT for one in definitions().includes(kind))
    found = (key.partition(EXACT)[2] for key in keys if key.startswith(codes))
    return [one for one in found if "/" in one and one.partition("/")[0] not in inside]  # type: ignore[operator]


async def _supporting(
    collections: Collections, references: Sequence[str], visibility: Visibility
) -> AsyncIterator[Stored]:
    by_type: dict[str, list[str]] = {}
    for reference in references:
        kind, _, identity = reference.partition("/")
        if kind in definitions().resource_types:
            by_type.setdefault(kind, []).append(identity)
    for kind, ids in sorted(by_type.items()):
        if (sight := visible(kind, visibility)) is None:
            continue
        for start in range(0, len(ids), BATCH):
            asked = both([{"_id": {"$in": ids[start : start + BATCH]}, "d": False, "p": []}, sight])
            async for row in collections.of(kind).find(asked):
                yield to_stored(kind, row)
