"""
The consents in force, kept in memory and followed by their time of change, so that a decision costs no query.

Every process looks for changes at most once a second: that is the longest a new refusal takes to hold everywhere.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection

from hie.access.consent import Rule, rule_of
from hie.access.residents import Residents
from hie.exchange.ids import now
from records.stored import decode

LOOK_SECONDS = 1.0
# New Patients of a person fall under its consents after this.
EXPAND_SECONDS = 5.0
# A transaction commits some time after the moment it writes as its own.
OVERLAP = timedelta(seconds=90)
FIELDS = {"_id": 1, "v": 1, "t": 1, "d": 1, "text": 1}
Document = dict[str, Any]
Question = tuple[frozenset[str], str]


class Consents:
    """Answers which residents refuse a caller. `collection` holds the stored Consent resources."""

    def __init__(
        self,
        collection: AsyncCollection[Document],
        residents: Residents,
        *,
        clock: Callable[[], datetime] = now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._collection = collection
        self._residents = residents
        self._clock, self._monotonic = clock, monotonic
        self._rules: dict[str, Rule] = {}
        self._versions: dict[str, int] = {}
        self._seen = datetime.min.replace(tzinfo=UTC)
        self._looked = float("-inf")
        self._answers: dict[Question, tuple[float, frozenset[str]]] = {}
        self._lock = asyncio.Lock()

    async def denied(self, actors: frozenset[str], purpose: str) -> frozenset[str]:
        """Every source Patient whose resident refuses these actors for this purpose."""
        await self._follow()
        question = (actors, purpose)
        until, answer = self._answers.get(question, (float("-inf"), frozenset()))
        if self._monotonic() < until:
            return answer
        answer = await self._answer(actors, purpose)
        self._answers[question] = (self._monotonic() + EXPAND_SECONDS, answer)
        return answer

    async def _answer(self, actors: frozenset[str], purpose: str) -> frozenset[str]:
        at = self._clock()
        refused = {rule.patient for rule in self._rules.values() if rule.denies(actors, purpose, at)}
        return await self._residents.together(refused)

    async def _follow(self) -> None:
        if self._monotonic() - self._looked < LOOK_SECONDS:
            return
        async with self._lock:
            if self._monotonic() - self._looked < LOOK_SECONDS:
                return
            changed = await self._changes()
            self._looked = self._monotonic()
        if changed:
            self._answers.clear()

    async def _changes(self) -> bool:
        changed = False
        asked = {} if not self._versions else {"t": {"$gte": self._seen - OVERLAP}}
        async for document in self._collection.find(asked, FIELDS):
            self._seen = max(self._seen, _aware(document["t"]))
            if self._versions.get(document["_id"]) != document["v"]:
                self._take(document)
                changed = True
        return changed

    def _take(self, document: Document) -> None:
        self._versions[document["_id"]] = document["v"]
        rule = None if document.get("d") else rule_of(decode(bytes(document["text"])))
        if rule is None:
            self._rules.pop(document["_id"], None)
        else:
            self._rules[document["_id"]] = rule


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
