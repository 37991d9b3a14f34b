"""
Keys that many documents have in common are kept once, as a set that each of them names by one key.

A document has a key where it stands in the document or in a set that it names: so a condition on the keys is asked of
both, and documents that carry all their keys themselves are found as before. A set is stored before any document that
names it, is never changed, and holds no reference: what a document points at is always its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection

from records.search.key import Condition, both, either

# The types whose documents may name sets.
TYPES = frozenset({"AuditEvent"})
# No parameter's name begins so.
SIGN = "#"
Sets = AsyncCollection[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class KeySet:
    """A set under its name, which is made of what it holds."""

    name: str
    keys: tuple[str, ...]

    @classmethod
    def of(cls, keys: Iterable[str]) -> KeySet:
        """The set of these keys."""
        found = tuple(sorted(set(keys)))
        return cls(SIGN + hashlib.sha256("\n".join(found).encode()).hexdigest()[:20], found)


async def widened(
    sets: Sets, resource_type: str, condition: Condition, session: AsyncClientSession | None = None
) -> Condition:
    """The same condition, also of the keys that documents have by their sets."""
    return await _widened(sets, condition, session) if resource_type in TYPES else condition


async def _widened(sets: Sets, condition: Condition, session: AsyncClientSession | None) -> Condition:
    found: Condition = {}
    for name, inner in condition.items():
        if name in ("$and", "$or", "$nor"):
            found[name] = [await _widened(sets, one, session) for one in inner]
        elif name != "k":
            found[name] = inner
    if "k" not in condition:
        return found
    return both([found, await _or_by_name(sets, condition["k"], session)])


async def _or_by_name(sets: Sets, asked: Any, session: AsyncClientSession | None) -> Condition:
    """One document that has such a key itself, or names a set that has: the database says which sets those are."""
    names = [row["_id"] async for row in sets.find({"k": asked}, {"_id": 1}, session=session).sort("_id", 1)]
    if not names:
        return {"k": asked}
    if isinstance(asked, str):
        return {"k": {"$in": [asked, *names]}}
    if asked.keys() == {"$in"}:
        return {"k": {"$in": [*asked["$in"], *names]}}
    return either([{"k": asked}, {"k": {"$in": names}}])


async def all_keys(sets: Sets, keys: Sequence[str], session: AsyncClientSession | None = None) -> list[str]:
    """The keys of a document with those of its sets."""
    names = [one for one in keys if one.startswith(SIGN)]
    if not names:
        return list(keys)
    own = [one for one in keys if not one.startswith(SIGN)]
    rows = sets.find({"_id": {"$in": names}}, session=session)
    return [*own, *[key async for row in rows for key in row["k"]]]
