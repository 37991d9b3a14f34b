"""
The client registry: which source Patients are one resident, and how that changes.

Source Patients are never rewritten: a merge or a split changes links. https://profiles.ihe.net/ITI/PIXm/,
https://profiles.ihe.net/ITI/PMIR/
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from pymongo.asynchronous.client_session import AsyncClientSession

from hie.errors import Unprocessable
from hie.exchange.database import Client, exchange_database
from hie.exchange.ids import Clock, now
from hie.identity import demographics
from hie.identity.choosing import Candidate, Choice, choose, contradicts, jumped, rank
from hie.identity.demographics import Demographics
from hie.identity.links import Link, Links
from hie.identity.matching import Grade, model
from hie.identity.persons import Persons
from hie.identity.reviews import Review, Reviews, State, review_id
from hie.identity.sheet import Sheet
from records.resource_store import ResourceStore
from records.stored import Json, Stored, Write


@dataclass(frozen=True, slots=True)
class Match:
    """Who a Patient is; `rival` is a person that it may be as well, which a steward is asked about."""

    person_id: str
    grade: Grade = "certain"
    rival: str | None = None


@dataclass(frozen=True, slots=True)
class _Told:
    """What a source says of one of its Patients, as far as it is compared."""

    patient: str
    record: Demographics
    numbers: tuple[str, ...]

    def says_the_same_as(self, link: Link | None) -> bool:
        return link is not None and link.record == self.record and link.identifiers == self.numbers


class ClientRegistry:
    """Every change runs in a transaction of the caller, or in one of its own; it may run again from its start."""

    def __init__(self, client: Client, prefix: str, store: ResourceStore, *, clock: Clock = now) -> None:
        database = exchange_database(client, prefix)
        self.links, self.persons, self.reviews_of = Links(database), Persons(database), Reviews(database)
        self._store = store
        self._clock = clock

    async def ensure_indexes(self) -> None:
        """Create what is missing."""
        for part in (self.links, self.persons, self.reviews_of):
            await part.ensure_indexes()

    # Questions

    async def expand(self, person_id: str) -> tuple[str, ...]:
        """Every source Patient id of a person, also of one that was joined to another; () where there is none."""
        person_id = person_id.removeprefix("Person/")
        found = await self.links.patients_of([person_id])
        if found:
            return found
        survivor = await self.persons.survivor(person_id)
        return await self.links.patients_of([survivor]) if survivor != person_id else ()

    async def person_of(self, patient_id: str) -> str | None:
        """The person of a source Patient."""
        link = (await self.links.of_patients([patient_id.removeprefix("Patient/")])).get(
            patient_id.removeprefix("Patient/")
        )
        return link.person if link else None

    async def find_person(self, system: str, value: str) -> str | None:
        """The person that sources know by this identifier; None where nobody or where it is not one person."""
        found = await self.links.with_identifier(system, value)
        return found[0] if len(found) == 1 else None

    async def match(self, patient: Json, *, limit: int = 20) -> list[Candidate]:
        """Who this Patient could be, best first; changes nothing."""
        record = demographics.of(patient)
        links = await self.links.candidates(record, limit=model().candidates)
        return [c for c in rank(str(patient.get("id", "")), record, links, frozenset()) if c.grade != "certainly-not"][
            :limit
        ]

    async def reviews(self, state: str | None = "open", limit: int = 100) -> list[Review]:
        """The queue of the stewards."""
        return await self.reviews_of.find(state, limit)

    # Changes that come with data

    async def resolve(self, patient: Json, *, source: str, session: AsyncClientSession) -> Match:
        """Find or make the person of one Patient, and store the Person."""
        writes = await self.identify([patient], source=source, session=session)
        await self._apply(writes, session)
        link = (await self.links.of_patients([patient["id"]], session))[patient["id"]]
        open_ones = [r for r in await self.reviews_of.of_patient(link.patient, session) if r.state == "open"]
        rival = open_ones[0] if open_ones else None
        return Match(link.person, link.grade, rival.rival if rival else None)

    async def identify(
        self,
        patients: Sequence[Json],
        *,
        source: str,
        session: AsyncClientSession,
        merges: Sequence[tuple[str, str]] = (),
        deleted: Sequence[str] = (),
        new: Collection[str] = (),
        sources: Mapping[str, str] | None = None,
    ) -> list[Write]:
        """
        Follow what happens to source Patients; returns the Person writes for the same transaction.

        `merges` are (survivor, subsumed) Patient ids that the source merged. Of those in `new` nothing is known yet.
        `sources` names who speaks of a Patient where it is not `source`.
        """
        sheet = self._sheet(session, source, sources)
        merged = {old: new for new, old in merges}
        known = [patient["id"] for patient in patients if patient["id"] not in new]
        await sheet.load([*known, *merged, *merged.values(), *deleted])
        told = [_Told(patient["id"], demographics.of(patient), _identifiers(patient)) for patient in patients]
        if len(told) > 1:
            await self._foresee(sheet, told, merged)
        for one in sorted(told, key=lambda one: one.patient in merged):
            await self._follow(sheet, one, merged)
        for survivor, subsumed in merges:
            await self._join_records(sheet, survivor, subsumed)
        for patient_id in deleted:
            await sheet.drop(patient_id)
        return await sheet.finish()

    def _sheet(self, session: AsyncClientSession, source: str, sources: Mapping[str, str] | None = None) -> Sheet:
        return Sheet(self.links, self.persons, self.reviews_of, session, self._clock(), source, sources or {})

    async def _foresee(self, sheet: Sheet, told: Sequence[_Told], merged: Mapping[str, str]) -> None:
        """Several Patients that are new, or alone and changed, will each look for candidates: one question for all."""
        asking: dict[str, Demographics] = {}
        for one in told:
            old = sheet.link(one.patient)
            alone = old is None or len(await sheet.of_person(old.person)) == 1
            if alone and one.patient not in merged and not one.says_the_same_as(old):
                asking[one.patient] = one.record
        if len(asking) > 1:
            await sheet.foresee(asking, model().candidates)

    async def _follow(self, sheet: Sheet, told: _Told, merged: dict[str, str]) -> None:
        patient, record, numbers = told.patient, told.record, told.numbers
        old = sheet.link(patient)
        if old is None and (survivor := sheet.link(merged.get(patient, ""))) is not None:
            await sheet.put(self._link(sheet, patient, survivor.person, record, numbers, rule="source-merge"))
        elif old is None:
            fresh = self._link(sheet, patient, "", record, numbers)
            await self._settle(sheet, fresh, await self._choose(sheet, fresh))
        elif not told.says_the_same_as(old):
            await self._changed(sheet, old, replace(old, record=record, identifiers=numbers))

    def _link(
        self, sheet: Sheet, patient: str, person: str, record: Demographics, numbers: tuple[str, ...], rule: str = "new"
    ) -> Link:
        return Link(patient, person, sheet.source_of(patient), record, numbers, sheet.at, rule)

    async def _choose(self, sheet: Sheet, link: Link) -> Choice:
        """Look at the candidates and decide."""
        limit = model().candidates
        found = await sheet.candidates(link.patient, link.record, limit)
        choice = choose(rank(link.patient, link.record, found, link.never), capped=len(found) >= limit)
        if choice.person is None or choice.candidate is None:
            return choice
        siblings = await sheet.of_person(choice.person)
        against = contradicts(link.patient, link.record, siblings, link.never)
        if against == "set-apart":
            return Choice()
        return Choice(rivals=(choice.candidate, *choice.rivals)) if against else choice

    async def _settle(self, sheet: Sheet, link: Link, choice: Choice) -> None:
        """Put a record where the choice says, and ask about what comes near."""
        if choice.person is not None and choice.candidate is not None:
            rule = choice.candidate.comparison.rule
            link = replace(link, person=choice.person, rule=rule, grade="certain", evidence=choice.candidate.evidence())
        elif not link.person:
            link = replace(link, person=str(uuid.uuid4()))
            sheet.fresh.add(link.person)
        await sheet.put(link)
        for rival in choice.rivals:
            if rival.person != link.person:
                sheet.questions.append(_question(link, rival))

    async def _changed(self, sheet: Sheet, old: Link, new: Link) -> None:
        """A source corrected its record: does it still belong where it is?"""
        siblings = [link for link in await sheet.of_person(old.person) if link.patient != old.patient]
        if old.settled:
            sheet.note(new)
        elif siblings and jumped(old.record, new.record):
            await self._reused(sheet, old, new)
        elif not siblings:
            await self._settle(sheet, new, await self._choose(sheet, new))
        else:
            sheet.note(new)
            if against := contradicts(new.patient, new.record, siblings, new.never):
                sheet.questions.append(_doubt(new, new.person, against))

    async def _reused(self, sheet: Sheet, old: Link, new: Link) -> None:
        """The number now names somebody else, who must not appear in the first one's record."""
        stranger = replace(new, person=str(uuid.uuid4()), rule="identifier-reuse", evidence={})
        sheet.fresh.add(stranger.person)
        await sheet.put(stranger)
        sheet.questions.append(_doubt(stranger, old.person, "identifier-reuse"))

    async def _join_records(self, sheet: Sheet, survivor: str, subsumed: str) -> None:
        """
        The source says that two of its records are one human: the record moves to the survivor's person.

        What else that record's person has stays where it is, and a steward is asked.
        """
        new, old = sheet.link(survivor), sheet.link(subsumed)
        if new is None or old is None or new.person == old.person:
            return
        if contradicts(subsumed, Demographics(), await sheet.of_person(new.person), old.never):
            # A steward set them apart: the source may only ask.
            sheet.questions.append(_doubt(old, new.person, "source-merge"))
            return
        rest = [link for link in await sheet.of_person(old.person) if link.patient != subsumed]
        await sheet.put(replace(old, person=new.person, rule="source-merge", evidence={"survivor": survivor}))
        if rest:
            sheet.questions.append(_doubt(rest[0], new.person, "source-merge"))

    # Changes that a steward, or a source, asks for

    async def merge(self, survivor: str, subsumed: str, *, session: AsyncClientSession, by: str) -> list[Stored]:
        """Join the persons of two source Patients (or two persons): every record goes to the survivor's person."""
        new, old = await self._person(survivor, session), await self._person(subsumed, session)
        if new == old:
            return []
        sheet = self._sheet(session, by)
        stay, come = await sheet.of_person(new), await sheet.of_person(old)
        for link in stay:
            sheet.note(replace(link, never=link.never - {other.patient for other in come}))
        for link in come:
            never = link.never - {other.patient for other in stay}
            evidence = {"survivor": new, "by": by}
            await sheet.put(replace(link, person=new, rule="steward", settled=True, evidence=evidence, never=never))
        return await self._apply(await sheet.finish(), session)

    async def unmerge(self, patients: Sequence[str], *, session: AsyncClientSession, by: str) -> str:
        """
        Take these source Patients out of their person, back to the one they came from; returns that person's id.

        They are set apart for ever from those who stay. Raises Unprocessable where nobody would stay behind.
        """
        ids = [patient.removeprefix("Patient/") for patient in patients]
        sheet = self._sheet(session, by)
        await sheet.load(ids)
        leaving = [link for patient in ids if (link := sheet.link(patient)) is not None]
        staying = (
            [link for link in await sheet.of_person(leaving[0].person) if link.patient not in ids] if leaving else []
        )
        if not staying or {link.person for link in leaving} != {staying[0].person}:
            raise Unprocessable("Only some of one person's records can be taken out.")
        person = await self._home(sheet, leaving[0])
        await self._set_apart(sheet, leaving, staying)
        for patient in ids:
            link = sheet.link(patient)
            if link is not None:
                await sheet.put(replace(link, person=person, rule="steward", settled=True, evidence={"by": by}))
        await self._apply(await sheet.finish(), session)
        return person

    async def _home(self, sheet: Sheet, link: Link) -> str:
        """The person that a record came from, if it stands empty since; else a new one."""
        for move in await self.persons.moves(link.patient, sheet.session):
            empty = move["from"] != link.person and not await sheet.of_person(move["from"])
            if move["to"] == link.person and empty:
                sheet.revived.append(move["from"])
                return str(move["from"])
        person = str(uuid.uuid4())
        sheet.fresh.add(person)
        return person

    async def _set_apart(self, sheet: Sheet, some: Sequence[Link], others: Sequence[Link]) -> None:
        for mine, theirs in ((some, others), (others, some)):
            apart = frozenset(link.patient for link in theirs)
            for link in mine:
                current = sheet.link(link.patient) or link
                sheet.note(replace(current, never=current.never | apart))

    async def decide(self, review: str, link: bool, *, by: str) -> Review:
        """
        A steward's answer: the same human (the persons are joined), or never.

        Raises Unprocessable where the question is not open.
        """

        async def answer(session: AsyncClientSession) -> Review:
            asked = await self.reviews_of.get(review, session)
            state: State = "linked" if link else "apart"
            if asked is None or not await self.reviews_of.close(
                review,
                state,
                by=by,
                at=self._clock(),
                session=session,
            ):
                raise Unprocessable("This question is not open.")
            if link:
                await self.merge(asked.rival, asked.patient, session=session, by=by)
            else:
                await self._keep_apart(asked, session, by)
            return replace(asked, state=state, by=by)

        return await self._store.in_transaction(answer)

    async def _keep_apart(self, asked: Review, session: AsyncClientSession, by: str) -> None:
        sheet = self._sheet(session, by)
        await sheet.load([asked.patient])
        rival = await sheet.of_person(await self.persons.survivor(asked.rival, session))
        mine = sheet.link(asked.patient)
        others = [link for link in rival if link.patient != asked.patient]
        if mine is not None and others and mine.person != others[0].person:
            await self._set_apart(sheet, [mine], others)
            await self._apply(await sheet.finish(), session)

    async def _person(self, identity: str, session: AsyncClientSession) -> str:
        """The person of a Patient id, or of a person id."""
        identity = identity.rsplit("/", 1)[-1]
        link = (await self.links.of_patients([identity], session)).get(identity)
        return link.person if link else await self.persons.survivor(identity, session)

    async def _apply(self, writes: Sequence[Write], session: AsyncClientSession) -> list[Stored]:
        return await self._store.apply(writes, session=session) if writes else []


def _identifiers(patient: Json) -> tuple[str, ...]:
    """Every identifier as `system|value`."""
    listed = (
        f"{i['system']}|{i['value']}" for i in patient.get("identifier", ()) if i.get("system") and i.get("value")
    )
    return tuple(dict.fromkeys(listed))


def _question(link: Link, rival: Candidate) -> Review:
    reason = rival.comparison.rule
    return Review(
        review_id(link.patient, rival.person), link.patient, link.person, rival.person, reason, rival.weight,
        rival.evidence(),
    )  # fmt: skip


def _doubt(link: Link, rival: str, reason: str) -> Review:
    return Review(review_id(link.patient, rival), link.patient, link.person, rival, reason, 0.0)
