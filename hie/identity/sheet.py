"""
The working sheet of one transaction: links as they will be, before anything is written.

So several Patients of one message see each other, and a transaction that starts again starts with a clean sheet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession

from hie.identity import blocking
from hie.identity.demographics import Demographics
from hie.identity.links import Link, Links
from hie.identity.persons import Persons, compose
from hie.identity.reviews import Review, Reviews
from records.stored import Json, Write


@dataclass(slots=True)
class Sheet:
    """
    Reads through to the database once; `finish` writes and says which Person resources change.

    `source` speaks, but for the Patients in `sources`; `turns` are the keys over which newcomers take turns;
    `foreseen` are candidates that were read together.
    """

    links: Links
    persons: Persons
    reviews: Reviews
    session: AsyncClientSession
    at: datetime
    source: str
    sources: Mapping[str, str] = field(default_factory=dict)
    turns: set[str] = field(default_factory=set)
    foreseen: dict[str, list[Link]] = field(default_factory=dict)
    before: dict[str, list[Link]] = field(default_factory=dict)
    known: dict[str, Link] = field(default_factory=dict)
    changed: dict[str, Link] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    fresh: set[str] = field(default_factory=set)
    redirects: dict[str, str] = field(default_factory=dict)
    revived: list[str] = field(default_factory=list)
    moves: list[dict[str, Any]] = field(default_factory=list)
    questions: list[Review] = field(default_factory=list)

    async def load(self, patients: Iterable[str]) -> None:
        """Read the links of these Patients, and those of their persons."""
        if ids := list(patients):
            mine, self.before = await self.links.with_siblings(ids, self.session)
            self.known |= mine | {link.patient: link for links in self.before.values() for link in links}

    def link(self, patient: str) -> Link | None:
        """A Patient's link as it stands on the sheet."""
        return None if patient in self.gone else self.changed.get(patient) or self.known.get(patient)

    async def of_person(self, person: str) -> list[Link]:
        """A person's links as they stand on the sheet."""
        if person not in self.before:
            self.before[person] = [] if person in self.fresh else await self.links.of_persons([person], self.session)
            self.known |= {link.patient: link for link in self.before[person]}
        stored = [link for link in self.before[person] if link.patient not in self.changed | dict.fromkeys(self.gone)]
        return [*stored, *(link for link in self.changed.values() if link.person == person)]

    def source_of(self, patient: str) -> str:
        """Who speaks of this Patient."""
        return self.sources.get(patient, self.source)

    async def foresee(self, records: Mapping[str, Demographics], limit: int) -> None:
        """Read the candidates of several newcomers at once, where they are few enough."""
        found = await self.links.candidates_of_all(list(records.values()), limit=limit, session=self.session)
        if found is not None:
            self.foreseen |= dict(zip(records, found, strict=True))

    async def candidates(self, patient: str, record: Demographics, limit: int) -> list[Link]:
        """Links that share a blocking key, as they stand on the sheet; newcomers like this one wait their turn."""
        self.turns.update(blocking.narrow(record))
        but = {patient, *self.changed, *self.gone}
        if patient in self.foreseen:
            found = [link for link in self.foreseen[patient] if link.patient not in but]
        else:
            found = await self.links.candidates(record, limit=limit, but=but, session=self.session)
        keys = set(blocking.keys(record))
        mine = [link for link in self.changed.values() if link.patient != patient]
        return [*found, *(link for link in mine if keys & set(blocking.keys(link.record)))]

    async def put(self, link: Link) -> None:
        """Set a link; a change of person is a move, and an empty person is redirected to where its record went."""
        old = self.link(link.patient)
        await self.of_person(link.person)
        if old is not None and old.person != link.person:
            await self.of_person(old.person)
        self.changed[link.patient] = link
        self.gone.discard(link.patient)
        if old is not None and old.person != link.person:
            await self._moved(old, link)

    async def _moved(self, old: Link, link: Link) -> None:
        self.moves.append(
            {"patient": link.patient, "from": old.person, "to": link.person, "at": self.at,
             "by": self.source_of(link.patient),
             "rule": link.rule, "evidence": dict(link.evidence)}
        )  # fmt: skip
        if not await self.of_person(old.person):
            self.redirects[old.person] = link.person

    async def drop(self, patient: str) -> None:
        """The source deleted this Patient."""
        if (link := self.link(patient)) is not None:
            await self.of_person(link.person)
            self.changed.pop(patient, None)
            self.gone.add(patient)

    def note(self, link: Link) -> None:
        """Change what is known of a link without changing its person."""
        self.changed[link.patient] = link

    async def finish(self) -> list[Write]:
        """Write the sheet; returns the Person writes, for the same transaction."""
        for link in self.changed.values():
            await self.of_person(link.person)
        await self.links.save(list(self.changed.values()), sorted(self.gone), self.turns, self.at, self.session)
        await self.persons.redirect(self.redirects, self.at, self.session)
        if self.revived:
            await self.persons.revive(self.revived, self.session)
        await self.persons.note_moves(self.moves, self.session)
        await self.reviews.ask([replace(one, at=self.at) for one in self.questions], self.session)
        return [write for person in sorted(self.before) if (write := await self._person_write(person))]

    async def _person_write(self, person: str) -> Write | None:
        links = await self.of_person(person)
        after, source = self._resource(person, links), self._speaker(links)
        if person in self.fresh:
            return Write("create", "Person", person, resource=after, source=source) if after["active"] else None
        if person not in self.revived and after == self._resource(person, self.before[person], before=True):
            return None
        return Write("update", "Person", person, resource=after, source=source)

    def _speaker(self, links: list[Link]) -> str:
        """Who changed a person: who speaks of the record that was changed."""
        return next((self.source_of(link.patient) for link in links if link.patient in self.changed), self.source)

    def _resource(self, person: str, links: list[Link], *, before: bool = False) -> Json:
        resource = compose(person, links)
        if not before and not links and person in self.redirects:
            resource["link"] = [{"target": {"reference": f"Person/{self.redirects[person]}"}}]
        return resource
