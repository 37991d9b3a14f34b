"""
Which definitions stand under a canonical address now, without their texts; and the texts of those that are new.

https://hl7.org/fhir/R4/references.html#canonical
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pymongo.asynchronous.client_session import AsyncClientSession

from records.collections import Collections
from records.search.key import EXACT, Condition, both
from records.stored import Stored

# Another resource that speaks about the one at the address.
ABOUT = {"CodeSystem": ("supplements",)}
PORTION, MOST = 500, 1_000


@dataclass(frozen=True, slots=True)
class Standing:
    """One current version; `key` names exactly this content, also among several stores, the later ones last."""

    id: str
    version: int
    key: str

    @classmethod
    def of(cls, collections: Collections, row: Stored) -> Standing:
        """The version that was read."""
        return _standing(collections, row.type, row.id, row.version, row.updated)


async def standing(
    collections: Collections,
    kind: str,
    urls: Iterable[str],
    sight: Condition,
    session: AsyncClientSession | None = None,
) -> list[Standing]:
    """The current versions whose address is one of these, or that are about one of them."""
    names = ("url", *ABOUT.get(kind, ()))
    keys = [f"{name}{EXACT}{url}" for url in sorted(urls) for name in names]
    return await having(collections, kind, keys, sight, session)


async def having(
    collections: Collections,
    kind: str,
    keys: Sequence[str],
    sight: Condition,
    session: AsyncClientSession | None = None,
) -> list[Standing]:
    """The current versions that have one of these search keys."""
    found: dict[str, Standing] = {}
    for at in range(0, len(keys), PORTION):
        asked = both([{"k": {"$in": list(keys[at : at + PORTION])}}, sight])
        rows = collections.of(kind).find(asked, {"v": 1, "t": 1}, session=session)
        found |= {row["_id"]: _standing(collections, kind, row["_id"], row["v"], row["t"]) async for row in rows}
    return list(found.values())


async def everything(collections: Collections, kind: str, sight: Condition) -> list[Standing]:
    """The current versions of a type, as many as are told at once."""
    rows = collections.of(kind).find(both([{"d": False}, sight]), {"v": 1, "t": 1}).limit(MOST)
    return [_standing(collections, kind, row["_id"], row["v"], row["t"]) async for row in rows]


async def texts(
    collections: Collections, kind: str, wanted: Iterable[Standing], session: AsyncClientSession | None = None
) -> dict[Standing, bytes]:
    """The texts; of one that was changed meanwhile, the new one under its new key."""
    ids = [one.id for one in wanted]
    rows = collections.of(kind).find({"_id": {"$in": ids}, "d": False}, {"v": 1, "t": 1, "text": 1}, session=session)
    return {_standing(collections, kind, row["_id"], row["v"], row["t"]): bytes(row["text"]) async for row in rows}


def _standing(collections: Collections, kind: str, identity: str, version: int, at: datetime) -> Standing:
    moment = (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()
    return Standing(identity, version, f"{collections.of(kind).database.name} {moment} {kind}/{identity}/{version}")
