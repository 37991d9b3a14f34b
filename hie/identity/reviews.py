"""
The review queue: where the rules may not decide, a steward does, once and for ever.

JeMPI, SanteMPI and OpenCR have the same queue; an answer "not the same" survives every later update.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession

from hie.exchange.database import Database

State = Literal["open", "linked", "apart"]


@dataclass(frozen=True, slots=True)
class Review:
    """A question: is this source Patient the human that `rival` (a person) is? `weight` and `evidence` explain it."""

    id: str
    patient: str
    person: str
    rival: str
    reason: str
    weight: float
    evidence: Mapping[str, Any] = field(default_factory=dict)
    state: State = "open"
    at: datetime | None = None
    by: str = ""
    decided: datetime | None = None


def review_id(patient: str, rival: str) -> str:
    """The same question has the same id: it is asked once."""
    return f"{patient}.{rival}"


class Reviews:
    """Collection `reviews`."""

    def __init__(self, database: Database) -> None:
        self._reviews = database["reviews"]

    async def ensure_indexes(self) -> None:
        """Create what is missing."""
        await self._reviews.create_indexes(
            [IndexModel([("state", ASCENDING), ("at", ASCENDING)]), IndexModel([("patient", ASCENDING)])]
        )

    async def ask(self, questions: Sequence[Review], session: AsyncClientSession) -> None:
        """Put questions into the queue; one that was asked before stays as it is."""
        writes = [UpdateOne({"_id": one.id}, {"$setOnInsert": _document(one)}, upsert=True) for one in questions]
        if writes:
            await self._reviews.bulk_write(writes, ordered=False, session=session)

    async def find(self, state: str | None = "open", limit: int = 100) -> list[Review]:
        """Questions, the oldest first."""
        found = self._reviews.find({"state": state} if state else {}).sort([("at", 1), ("_id", 1)]).limit(limit)
        return [_review(document) async for document in found]

    async def count(self, state: str = "open") -> int:
        """How many."""
        return await self._reviews.count_documents({"state": state})

    async def get(self, review: str, session: AsyncClientSession | None = None) -> Review | None:
        """One question."""
        found = await self._reviews.find_one({"_id": review}, session=session)
        return _review(found) if found else None

    async def of_patient(self, patient: str, session: AsyncClientSession | None = None) -> list[Review]:
        """Every question about one source Patient."""
        found = self._reviews.find({"patient": patient}, session=session).sort([("state", -1), ("_id", 1)])
        return [_review(document) async for document in found]

    async def close(self, review: str, state: State, *, by: str, at: datetime, session: AsyncClientSession) -> bool:
        """Write down the answer; False where it was answered before."""
        change = {"$set": {"state": state, "by": by, "decided": at}}
        done = await self._reviews.update_one({"_id": review, "state": "open"}, change, session=session)
        return done.modified_count == 1


def _document(review: Review) -> dict[str, Any]:
    return {
        "patient": review.patient, "person": review.person, "rival": review.rival, "reason": review.reason,
        "weight": review.weight, "evidence": dict(review.evidence), "state": review.state, "at": review.at,
    }  # fmt: skip


def _review(document: Mapping[str, Any]) -> Review:
    return Review(
        document["_id"], document["patient"], document["person"], document["rival"], document["reason"],
        document["weight"], document["evidence"], document["state"], document["at"], document.get("by", ""),
        document.get("decided"),
    )  # fmt: skip
