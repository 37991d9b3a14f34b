"""
Links: one document a source Patient, saying which person it is; its `_id` makes a second link impossible.

IHE PIX calls it the cross-reference; https://profiles.ihe.net/ITI/PIXm/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DeleteOne, IndexModel, ReplaceOne, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession

from hie.exchange.database import Database
from hie.identity import blocking, demographics
from hie.identity.demographics import Demographics
from hie.identity.matching import Grade

INDEXES = [
    IndexModel([("person", ASCENDING)]),
    IndexModel([("keys", ASCENDING)]),
    IndexModel([("identifiers", ASCENDING)]),
]
LOCK_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Link:
    """
    One source Patient's link. `rule` made it, `evidence` explains it. `never` are Patient ids that a steward set
    apart from this one, for ever. `settled` is True where a steward decided: no rule changes it again.
    """

    patient: str
    person: str
    source: str
    record: Demographics
    identifiers: tuple[str, ...]
    at: datetime
    rule: str = "new"
    grade: Grade = "certain"
    evidence: Mapping[str, Any] = field(default_factory=dict)
    never: frozenset[str] = frozenset()
    settled: bool = False


def to_document(link: Link) -> dict[str, Any]:
    """For the database."""
    return {
        "_id": link.patient, "person": link.person, "source": link.source, "record": link.record.document(),
        "keys": list(blocking.keys(link.record)), "identifiers": list(link.identifiers), "at": link.at,
        "rule": link.rule, "grade": link.grade, "evidence": dict(link.evidence), "never": sorted(link.never),
        "settled": link.settled,
    }  # fmt: skip


def to_link(document: Mapping[str, Any]) -> Link:
    """Back from the database."""
    return Link(
        document["_id"], document["person"], document["source"], demographics.from_document(document["record"]),
        tuple(document["identifiers"]), document["at"], document["rule"], document["grade"], document["evidence"],
        frozenset(document["never"]), document["settled"],
    )  # fmt: skip


class Links:
    """Collection `links`, and `identity_turns`, over whose keys newcomers take turns."""

    def __init__(self, database: Database) -> None:
        self._links = database["links"]
        self._turns = database["identity_turns"]

    async def ensure_indexes(self) -> None:
        """Create what is missing."""
        await self._links.create_indexes(INDEXES)
        await self._turns.create_index([("at", ASCENDING)], expireAfterSeconds=LOCK_SECONDS)

    async def take_turn(self, record: Demographics, at: datetime, session: AsyncClientSession) -> None:
        """
        Touch this newcomer's narrow keys: of two transactions that touch the same, one starts again and then sees
        what the other wrote. So sixteen senders of one new person make one person.
        """
        turns = [UpdateOne({"_id": key}, {"$set": {"at": at}, "$inc": {"n": 1}}, upsert=True)
                 for key in sorted(blocking.narrow(record))]  # fmt: skip
        if turns:
            await self._turns.bulk_write(turns, ordered=True, session=session)

    async def of_patients(self, ids: Iterable[str], session: AsyncClientSession | None = None) -> dict[str, Link]:
        """The links of these source Patients."""
        found = self._links.find({"_id": {"$in": list(ids)}}, session=session)
        return {document["_id"]: to_link(document) async for document in found}

    async def with_siblings(
        self, ids: Iterable[str], session: AsyncClientSession
    ) -> tuple[dict[str, Link], dict[str, list[Link]]]:
        """The links of these source Patients, and by person every link of theirs, in the order of Patient ids."""
        siblings = {"from": self._links.name, "localField": "person", "foreignField": "person", "as": "of"}
        steps: list[dict[str, Any]] = [{"$match": {"_id": {"$in": list(ids)}}}, {"$lookup": siblings}]
        mine, persons = dict[str, Link](), dict[str, list[Link]]()
        async for row in await self._links.aggregate(steps, session=session):
            mine[row["_id"]] = to_link(row)
            persons[row["person"]] = [to_link(one) for one in sorted(row["of"], key=lambda one: str(one["_id"]))]
        return mine, persons

    async def of_persons(self, ids: Iterable[str], session: AsyncClientSession | None = None) -> list[Link]:
        """Every link of these persons, in the order of Patient ids."""
        found = self._links.find({"person": {"$in": list(ids)}}, session=session).sort("_id", 1)
        return [to_link(document) async for document in found]

    async def patients_of(self, persons: Iterable[str]) -> tuple[str, ...]:
        """Only the Patient ids."""
        found = self._links.find({"person": {"$in": list(persons)}}, {"_id": 1}).sort("_id", 1)
        return tuple([document["_id"] async for document in found])

    async def candidates(
        self, record: Demographics, *, limit: int, but: Iterable[str] = (), session: AsyncClientSession | None = None
    ) -> list[Link]:
        """Links that share a blocking key, but those of the Patients in `but`."""
        query: dict[str, Any] = {"keys": {"$in": list(blocking.keys(record))}}
        if others := list(but):
            query["_id"] = {"$nin": others}
        return [to_link(document) async for document in self._links.find(query, session=session).limit(limit)]

    async def with_identifier(self, system: str, value: str) -> list[str]:
        """Persons that a source knows by this identifier."""
        found = self._links.find({"identifiers": f"{system}|{value}"}, {"person": 1}).limit(20)
        return list(dict.fromkeys([document["person"] async for document in found]))

    async def save(self, changed: Sequence[Link], gone: Sequence[str], session: AsyncClientSession) -> None:
        """Write these links, and drop those of Patients that are no more."""
        writes: list[ReplaceOne[dict[str, Any]] | DeleteOne] = [
            ReplaceOne({"_id": link.patient}, to_document(link), upsert=True) for link in changed
        ]
        writes += [DeleteOne({"_id": patient}) for patient in gone]
        if writes:
            await self._links.bulk_write(writes, ordered=True, session=session)
