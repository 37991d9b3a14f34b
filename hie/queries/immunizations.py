"""
Q11: the vaccination history of one resident (Z34); Z32 tells it, Z31 who could be meant, Z33 that nobody is.

HL7 Version 2.5.1 Implementation Guide for Immunization Messaging, release 1.5, chapter 5
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.hl7v2.from_fhir.segments.pid import pid
from adapters.hl7v2.from_fhir.segments.rxa import vaccination
from adapters.hl7v2.from_fhir.writing import Line
from adapters.hl7v2.to_fhir.contacts import contact_point
from adapters.hl7v2.to_fhir.identifiers import cx
from adapters.hl7v2.to_fhir.names import human_name
from adapters.hl7v2.to_fhir.tables import look_up
from hie.identity import blocking, demographics
from hie.identity.choosing import Candidate, rank
from hie.identity.matching import compare, model
from hie.queries.answering import Found, receiver_of
from hie.queries.asking import TABLE, NotAnswered, Question
from hie.queries.gathering import around
from hie.queries.patients import Human, Patients
from records.stored import Json, Stored

HISTORY = "Z34"
_SPACE = "CDCPHINVS"


@dataclass(frozen=True, slots=True)
class Immunizations:
    """The history, or who could be meant."""

    patients: Patients

    async def __call__(self, question: Question) -> Found:
        """Sure of one: the history. Not sure: those who come near, where they are no more than were asked for."""
        if question.name not in (HISTORY, ""):
            raise NotAnswered("This query is not known here.", location="QPD^1^1", condition=TABLE)
        asked = asked_for(question)
        certain = await self._by_number(question, asked)
        candidates = [] if certain else await self._alike(question, asked)
        certain = certain or [one for grade, one in candidates if grade == "certain"]
        if len(certain) == 1:
            return await self._history(question, certain[0])
        listed = [one for _, one in candidates] or certain
        if not listed:
            return Found(status="NF", profile=("Z33", _SPACE))
        if question.most and len(listed) > question.most:
            return Found(status="TM", profile=("Z33", _SPACE))
        return _candidates(question, listed)

    async def _by_number(self, question: Question, asked: Json) -> list[Human]:
        """Who has one of the numbers, unless what else was said of him speaks against it."""
        humans: dict[str, Human] = {}
        record = demographics.of(asked)
        for number in asked["identifier"]:
            for row in await self.patients.by_identifier(question, number["system"], number["value"]):
                compared = compare(record, demographics.of(row.resource()))
                contrary = {"name", "birth"} & {field for field, points in compared.points.items() if points < 0}
                if not contrary and row.resource().get("active") is not False:
                    human = await self.patients.human(question, row)
                    humans.setdefault(human.person, human)
        return list(humans.values())

    async def _alike(self, question: Question, asked: Json) -> list[tuple[str, Human]]:
        """By name, birth date, sex and telephone, among the records that the asker may see, the likeliest first."""
        record = demographics.of(asked)
        if record.unidentified or not blocking.keys(record):
            return []
        links = await self.patients.registry.links.candidates(record, limit=model().candidates)
        rows = await self.patients.read(question, [link.patient for link in links])
        seen = [link for link in links if link.patient in rows]
        found: list[Candidate] = rank("", record, seen, frozenset())
        return [
            (one.grade, await self.patients.human(question, rows[one.patient]))
            for one in found
            if one.grade != "certainly-not"
        ]

    async def _history(self, question: Question, human: Human) -> Found:
        receiver = receiver_of(question.header)
        rows = await self._vaccinations(question, human)
        found = [row.resource() for row in rows]
        resources = await around(self.patients, question, found)
        shown = {**human.patient, "identifier": human.within(())}
        lines = [pid(shown, receiver)]
        for one in found:
            lines += vaccination(one, resources, receiver)
        return Found(lines, (*human.rows, *rows), total=1, here=1, profile=("Z32", _SPACE))

    async def _vaccinations(self, question: Question, human: Human) -> list[Stored]:
        """Of every record of the human; what was entered in error is told to nobody."""
        visibility = await self.patients.gate.visibility(question.caller, "Immunization", "search")
        asked = (("patient", ",".join(f"Patient/{row.id}" for row in human.rows)), ("status:not", "entered-in-error"))
        rows = self.patients.store.iterate("Immunization", (*asked, ("_sort", "date")), visibility=visibility)
        return [row async for row in rows]


def _candidates(question: Question, humans: Sequence[Human]) -> Found:
    receiver = receiver_of(question.header)
    lines: list[Line] = []
    for number, human in enumerate(humans, 1):
        line = pid({**human.patient, "identifier": human.within(())}, receiver)
        lines.append(Line("PID", {**line.fields, 1: str(number)}))
    rows = tuple(row for human in humans for row in human.rows)
    return Found(lines, rows, total=len(humans), here=len(humans), profile=("Z31", _SPACE))


def asked_for(question: Question) -> Json:
    """QPD-3 to QPD-9 as a Patient that can be compared."""
    qpd, times = question.definition, question.times
    return {
        "resourceType": "Patient",
        "identifier": [number for value in qpd.all(3) if (number := cx(value, question.site, times))],
        "name": [name for value in qpd.all(4) if (name := human_name(value, times))],
        "birthDate": times.date(qpd.text(6)),
        "gender": look_up("0001", qpd.text(7).strip()) if qpd.text(7) else "",
        "telecom": [point for value in qpd.all(9) if (point := contact_point(value, "home"))],
    }
