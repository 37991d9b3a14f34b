"""
Q22: who could be meant. Q21: the demographics of one patient.

IHE ITI-21, https://profiles.ihe.net/ITI/TF/Volume2/ITI-21.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from adapters.hl7v2.from_fhir.segments.pid import pid
from adapters.hl7v2.from_fhir.writing import Line
from adapters.hl7v2.message import Value
from adapters.hl7v2.to_fhir.identifiers import system_of
from hie.queries.answering import NOTHING, Found, receiver_of
from hie.queries.asking import MOST, NotAnswered, Question
from hie.queries.patients import Human, Patients
from hie.queries.traits import Traits, meets, traits_of
from records.stored import Stored


@dataclass(frozen=True, slots=True)
class Demographics:
    """Both questions."""

    patients: Patients

    async def one(self, question: Question) -> Found:
        """Q21 with an identifier in QPD-3; with parameters in it, it is the other question under this name."""
        if question.definition.text(3).startswith("@"):
            return await self.candidates(question)
        domains = await self.patients.domains(question, 4)
        human = await self.patients.one(question, question.definition[3], "QPD^1^3^1")
        return _found(question, [human], domains, 1)

    async def candidates(self, question: Question) -> Found:
        """Q22: a page of those who meet every parameter of QPD-3."""
        traits = traits_of(question)
        domains = await self.patients.domains(question, 8)
        humans = await self._humans(question, traits, domains)
        if not humans:
            return NOTHING
        # The pointer is the last record told of: what came or went meanwhile does not shift the pages.
        ahead = [human for human in humans if human.row.id > question.pointer]
        if question.pointer and not ahead:
            return NOTHING
        page = ahead[: question.most] if question.most else ahead
        left = len(ahead) - len(page)
        found = _found(question, page, domains, len(humans))
        return replace(found, left=left, pointer=page[-1].row.id if left else "")

    async def _humans(self, question: Question, traits: Traits, domains: Sequence[str]) -> list[Human]:
        humans: dict[str, Human] = {}
        for row in await self._rows(question, traits):
            patient = row.resource()
            if patient.get("active") is False or not meets(patient, traits):
                continue
            human = await self.patients.human(question, row)
            if human.person not in humans and (not domains or human.within(domains)):
                humans[human.person] = human
            if len(humans) == MOST:
                break
        return list(humans.values())

    async def _rows(self, question: Question, traits: Traits) -> list[Stored]:
        """By identifier where one is given, else by what the store can search; in the order of ids."""
        number = traits.identifier
        if number and traits.authority:
            system = system_of(Value(tuple((part,) for part in traits.authority)), question.site)
            prefix = number.endswith("*")
            return await self.patients.by_identifier(question, system, number.rstrip("*"), prefix=prefix)
        if number.endswith("*"):
            raise NotAnswered("The beginning of an identifier needs its authority.", location="QPD^1^3")
        params = [*traits.params(), *([("identifier", number)] if number else [])]
        if not params:
            raise NotAnswered("Name, birth date, number or address is needed.", location="QPD^1^3", condition="101")
        visibility = await self.patients.gate.visibility(question.caller, "Patient", "search")
        return [row async for row in self.patients.store.iterate("Patient", params, visibility=visibility)]


def _found(question: Question, humans: Sequence[Human], domains: Sequence[str], total: int) -> Found:
    receiver = receiver_of(question.header)
    lines: list[Line] = []
    for number, human in enumerate(humans, 1):
        shown = {**human.patient, "identifier": human.within(domains)}
        line = pid(shown, receiver)
        lines += [Line("PID", {**line.fields, 1: str(number)}), Line("QRI", {1: "100"})]
    rows = tuple(row for human in humans for row in human.rows)
    return Found(lines, rows, total=total, here=len(humans))
