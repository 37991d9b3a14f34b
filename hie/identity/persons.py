"""
Persons: one a human of the region; one that was joined to another keeps saying to whom, for ever.

The golden record is composed from the links by rules and never edited. https://hl7.org/fhir/R4/person.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession

from hie.exchange.database import Database
from hie.identity import id_number
from hie.identity.links import Link
from records.stored import Json

SYSTEM = "urn:hie:person"
_CHAIN = 32


def compose(person_id: str, links: Sequence[Link]) -> Json:
    """
    The Person resource of these links; inactive where there are none left.

    The name most sources agree on; birth date and sex as a valid resident identity number says, else by majority.
    """
    person: Json = {
        "resourceType": "Person",
        "id": person_id,
        "identifier": [{"system": SYSTEM, "value": person_id}],
        "active": bool(links),
    }
    numbers = [number for link in links for number in link.record.ids]
    number = id_number.parse(_most(numbers)) if numbers else None
    if number:
        person["identifier"].append({"system": id_number.SYSTEM, "value": number.value})
    if name := _most(link.record.name for link in links):
        person["name"] = [{"text": name}]
    if gender := (number.gender if number else _most(link.record.gender for link in links)):
        person["gender"] = gender
    if birth := (number.birth if number else _most(link.record.birth for link in links)):
        person["birthDate"] = birth
    if links:
        person["link"] = [
            {"target": {"reference": f"Patient/{link.patient}"}, "assurance": _assurance(link)}
            for link in sorted(links, key=lambda link: link.patient)
        ]
    return person


def _assurance(link: Link) -> str:
    """FHIR identity-assurance: how sure the link is."""
    if link.settled:
        return "level4"
    return "level3" if "id" in link.rule or link.record.ids else "level2"


def _most(values: Iterable[str]) -> str:
    counted = Counter(value for value in values if value)
    return min(counted, key=lambda value: (-counted[value], value)) if counted else ""


class Persons:
    """Collection `persons`: redirects of joined persons, and moves of links, kept for ever."""

    def __init__(self, database: Database) -> None:
        self._redirects = database["person_redirects"]
        self._moves = database["link_moves"]

    async def ensure_indexes(self) -> None:
        """Create what is missing."""
        await self._redirects.create_index([("into", 1)])
        await self._moves.create_index([("patient", 1), ("at", -1)])

    async def survivor(self, person_id: str, session: AsyncClientSession | None = None) -> str:
        """Follow redirects to the person who stands for this one today."""
        for _ in range(_CHAIN):
            found = await self._redirects.find_one({"_id": person_id}, session=session)
            if found is None:
                return person_id
            person_id = found["into"]
        return person_id

    async def redirect(self, into: dict[str, str], at: datetime, session: AsyncClientSession) -> None:
        """From now on these persons are those."""
        writes = [UpdateOne({"_id": old}, {"$set": {"into": new, "at": at}}, upsert=True) for old, new in into.items()]
        if writes:
            await self._redirects.bulk_write(writes, ordered=False, session=session)

    async def revive(self, person_ids: Sequence[str], session: AsyncClientSession) -> None:
        """These persons stand for themselves again."""
        await self._redirects.delete_many({"_id": {"$in": list(person_ids)}}, session=session)

    async def note_moves(self, moves: Sequence[dict[str, Any]], session: AsyncClientSession) -> None:
        """Keep who was moved from whom to whom, when, by whom, why."""
        if moves:
            await self._moves.insert_many([dict(move) for move in moves], session=session)

    async def moves(self, patient: str, session: AsyncClientSession | None = None) -> list[dict[str, Any]]:
        """The moves of one source Patient, the last first."""
        return await self._moves.find({"patient": patient}, session=session).sort([("at", -1), ("_id", -1)]).to_list()
