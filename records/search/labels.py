"""
Labels in use: the profiles, tags and security labels of a type, each found by one step into the index.

https://hl7.org/fhir/R4/resource-operation-meta.html
"""

from __future__ import annotations

from typing import Any

from records.collections import Collections
from records.errors import TooCostly
from records.search import key_sets
from records.search.key import EXACT, HIGHEST, SYSTEM_CODE, Condition, both
from records.stored import Json, decode

PREFIXES = {"profile": f"_profile{EXACT}", "tag": f"_tag{SYSTEM_CODE}", "security": f"_security{SYSTEM_CODE}"}
MOST = 1_000


async def in_use(collections: Collections, kind: str, sight: Condition) -> list[Json]:
    """Metas of resources that the sight lets through: together they have every label in use."""
    found = list[Json]()
    for name, prefix in PREFIXES.items():
        found += [{name: one[name]} for one in await _distinct(collections, kind, sight, prefix) if name in one]
    return found


async def _distinct(collections: Collections, kind: str, sight: Condition, prefix: str) -> list[Json]:
    """Always a resource with a label not seen yet, until there is none: as many steps as there are labels."""
    seen: list[str] = []
    found: list[Json] = []
    while True:
        fresh: dict[str, Any] = {"$gte": prefix, "$lte": prefix + HIGHEST, "$nin": seen}
        asked = both([{"k": {"$elemMatch": fresh}}, sight, {"d": False}])
        asked = await key_sets.widened(collections.key_sets, kind, asked)
        row = await collections.of(kind).find_one(asked, {"k": 1, "text": 1})
        if row is None:
            return found
        keys = await key_sets.all_keys(collections.key_sets, row["k"])
        seen += [key for key in keys if key.startswith(prefix) and key not in seen]
        found.append(decode(bytes(row["text"])).get("meta", {}))
        if len(seen) > MOST:
            raise TooCostly(f"More than {MOST} labels are in use on {kind}.", status=422)
