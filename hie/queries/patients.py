"""
The patients that a query may see: by identifier, with all the records of the same human, in the domains asked for.

IHE ITI-9 (PIX), ITI-21 (PDQ)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from adapters.hl7v2.from_fhir.identifiers import type_code
from adapters.hl7v2.message import Value
from adapters.hl7v2.to_fhir.identifiers import cx, default_authority, system_of
from hie.access.gate import Gate
from hie.exchange.database import Client, exchange_database
from hie.identity.registry import ClientRegistry
from hie.queries.asking import NotAnswered, Question
from records.resource_store import ResourceStore
from records.stored import Json, Stored

# Numbers of visits and accounts name no person.
_NOT_PERSONS = frozenset({"AN", "VN"})
MOST_ALIKE = 500


@dataclass(frozen=True, slots=True)
class Human:
    """One human as the asker may see him: the record that was found, and all visible records of his."""

    person: str
    row: Stored
    patient: Json
    rows: tuple[Stored, ...] = ()
    identifiers: tuple[Json, ...] = ()

    def within(self, domains: Sequence[str], *, but: tuple[str, str] = ("", "")) -> list[Json]:
        """His identifiers of some domains (none named: all), without one."""
        return [
            one
            for one in self.identifiers
            if (not domains or one.get("system") in domains) and (one.get("system"), one.get("value")) != but
        ]


@dataclass(frozen=True, slots=True)
class Patients:
    """Collaborators of every look-up."""

    client: Client
    prefix: str
    store: ResourceStore
    registry: ClientRegistry
    gate: Gate
    known: dict[str, bool] = field(default_factory=dict)

    async def read(self, question: Question, ids: Iterable[str]) -> dict[str, Stored]:
        """Those of these records that the asker may see and that are in use, by Patient id."""
        visibility = await self.gate.visibility(question.caller, "Patient", "search")
        found = await self.store.read_many([f"Patient/{one}" for one in ids], visibility=visibility)
        return {row.id: row for row in found.values() if not row.deleted}

    async def human(self, question: Question, row: Stored) -> Human:
        """The human of a record, with what is visible of him."""
        person = await self.registry.person_of(row.id) or row.id
        siblings = await self.registry.expand(person)
        rows = {row.id: row} | await self.read(question, [one for one in siblings if one != row.id])
        patients = [one.resource() for one in rows.values()]
        listed = [i for one in patients if one.get("active") is not False for i in one.get("identifier", ())]
        unique = {(i.get("system"), i.get("value")): i for i in reversed(listed) if type_code(i) not in _NOT_PERSONS}
        return Human(person, row, patients[0], tuple(rows.values()), tuple(reversed(unique.values())))

    async def by_identifier(self, question: Question, system: str, value: str, *, prefix: bool = False) -> list[Stored]:
        """The visible records that have an identifier, or one that begins so; the oldest id first."""
        links = exchange_database(self.client, self.prefix)["links"]
        wanted: object = f"{system}|{value}"
        if prefix:
            wanted = {"$regex": f"^{re.escape(f'{system}|{value}')}"}
        found = links.find({"identifiers": wanted}, {"_id": 1}).sort("_id", 1).limit(MOST_ALIKE)
        rows = await self.read(question, [document["_id"] async for document in found])
        return sorted(rows.values(), key=lambda row: row.id)

    async def one(self, question: Question, value: Value, location: str) -> Human:
        """The human of a CX; NotAnswered says whether the domain or the number in it is not known."""
        identifier = cx(value, question.site, question.times)
        if not identifier:
            raise NotAnswered("A patient identifier is needed.", location=location, condition="101")
        if not await self.is_domain(question, identifier["system"]):
            raise NotAnswered("The assigning authority is not known.", location=f"{location}^4")
        rows = [
            row
            for row in await self.by_identifier(question, identifier["system"], identifier["value"])
            if row.resource().get("active") is not False
        ]
        if not rows:
            raise NotAnswered("The identifier is not known.", location=f"{location}^1")
        humans = [await self.human(question, row) for row in rows]
        if len({human.person for human in humans}) > 1:
            raise NotAnswered("The identifier is that of several patients.", location=f"{location}^1")
        return humans[0]

    async def domains(self, question: Question, at: int) -> list[str]:
        """The domains that a field names; NotAnswered for one that nobody knows, by its place."""
        found: list[str] = []
        for number, value in enumerate(question.definition.all(at), 1):
            system = system_of(value.part(4), question.site)
            if not await self.is_domain(question, system):
                raise NotAnswered("The domain is not known.", location=f"QPD^1^{at}^{number}")
            found.append(system)
        return found

    async def is_domain(self, question: Question, system: str) -> bool:
        """Whether any record has an identifier of this system, or the asker's own profile names it."""
        if system in (default_authority(question.site), *question.site.authorities.values()) or self.known.get(system):
            return True
        links = exchange_database(self.client, self.prefix)["links"]
        pattern = f"^{re.escape(system + '|')}"
        exists = await links.find_one({"identifiers": {"$regex": pattern}}, {"_id": 1}) is not None
        if exists:
            self.known[system] = True
        return exists
