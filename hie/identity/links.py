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
from pymongo.errors import BulkWriteError, DuplicateKeyError

from hie.exchange.database import Database
from hie.identity import blocking, demographics
from hie.identity.demographics import Demographics
from hie.identity.matching import Grade
from records.transactions import repeats_a_key

TURN_SECONDS = 600
# Sparse: a turn has none of the fields of a link. A lookup by person needs an index of all.
INDEXES = [
    IndexModel([("person", ASCENDING)]),
    IndexModel([("keys", ASCENDING)], sparse=True),
    IndexModel([("identifiers", ASCENDING)], sparse=True),
    IndexModel([("turn", ASCENDING)], expireAfterSeconds=TURN_SECONDS),
]


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
    """
    Collection `links`; beside the links lie turns, one a narrow key, that newcomers write.

    Of two transactions that write the same turn, one starts again and then sees what the other wrote: what a
    transaction reads is as old as its begin, and who writes what changed since then is refused. So sixteen senders of
    one new person make one person. https://www.mongodb.com/docs/manual/core/transactions-production-consideration/
    """

    def __init__(self, database: Database) -> None:
        self._links = database["links"]

    async def ensure_indexes(self) -> None:
        """Create what is missing."""
        await self._links.create_indexes(INDEXES)

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

    async def candidates_of_all(
        self, records: Sequence[Demographics], *, limit: int, session: AsyncClientSession
    ) -> list[list[Link]] | None:
        """The candidates of each of several records by one question; None where there are too many for one."""
        asked = [frozenset(blocking.keys(record)) for record in records]
        most = limit * len(records)
        query = {"keys": {"$in": sorted(frozenset().union(*asked))}}
        rows = await self._links.find(query, session=session).limit(most).to_list()
        if len(rows) == most:
            return None
        found = [(frozenset(row["keys"]), to_link(row)) for row in rows]
        return [[link for keys, link in found if keys & mine] for mine in asked]

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

    async def save(
        self, changed: Sequence[Link], gone: Sequence[str], turns: Iterable[str], at: datetime,
        session: AsyncClientSession,
    ) -> None:  # fmt: skip
        """
        Write these links, drop those of Patients that are no more, and take the turns of newcomers by their keys.

        Raises DuplicateKeyError where another took one of the turns since this transaction began.
        """
        writes: list[UpdateOne | ReplaceOne[dict[str, Any]] | DeleteOne] = [
            UpdateOne({"_id": f"turn|{key}"}, {"$set": {"turn": at}, "$inc": {"n": 1}}, upsert=True)
            for key in sorted(turns)
        ]
        writes += [ReplaceOne({"_id": link.patient}, to_document(link), upsert=True) for link in changed]
        writes += [DeleteOne({"_id": patient}) for patient in gone]
        if not writes:
            return
        try:
            await self._links.bulk_write(writes, ordered=True, session=session)
        except BulkWriteError as error:
            if repeats_a_key(error):
                raise DuplicateKeyError("a turn is taken") from error
            raise
