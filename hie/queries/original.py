"""
The queries of the original mode: A19, who is this patient; R02, which results are there.

HL7 v2 chapter 3.3.19 (QRY^A19, ADR^A19), 7.3.4 (QRY^R02, ORF^R04)
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.hl7v2.from_fhir.families.oru import body
from adapters.hl7v2.from_fhir.segments.pid import pid
from adapters.hl7v2.from_fhir.segments.pv1 import account_of, pv1
from adapters.hl7v2.from_fhir.writing import Line
from adapters.hl7v2.message import Value
from hie.queries.answering import Found, receiver_of
from hie.queries.asking import NotAnswered, Question
from hie.queries.gathering import around
from hie.queries.patients import Human, Patients
from records.stored import Json, Stored


@dataclass(frozen=True, slots=True)
class Original:
    """Both questions; QRD-8 says who is meant."""

    patients: Patients

    async def patient(self, question: Question) -> Found:
        """A19: the patient, and the latest visit that the asker may see."""
        human = await self._who(question)
        receiver = receiver_of(question.header)
        visits = await self._of(question, human, "Encounter", (("_sort", "-date"), ("_count", "1")))
        visit: Json | None = visits[0].resource() if visits else None
        resources = await around(self.patients, question, [visit] if visit else [])
        shown = {**human.patient, "identifier": human.within(())}
        lines = [pid(shown, receiver, account=account_of(visit)), pv1(visit, resources, receiver)]
        return Found(lines, (*human.rows, *visits), total=1, here=1)

    async def results(self, question: Question) -> Found:
        """R02: the reports of a patient between QRF-2 and QRF-3, the oldest first."""
        human = await self._who(question)
        receiver = receiver_of(question.header)
        reports = await self._of(question, human, "DiagnosticReport", self._span(question))
        if not reports:
            raise NotAnswered("There are no results.", location="QRD^1^8")
        found = [row.resource() for row in reports[: question.most or len(reports)]]
        resources = await around(self.patients, question, found)
        lines: list[Line] = [pid({**human.patient, "identifier": human.within(())}, receiver)]
        for one in found:
            lines += body(one, resources, receiver)
        return Found(lines, (*human.rows, *reports), total=len(reports), here=len(found))

    def _span(self, question: Question) -> tuple[tuple[str, str], ...]:
        qrf = question.message.first("QRF")
        limits = (("ge", question.times.date_time(qrf.text(2))), ("le", question.times.date_time(qrf.text(3))))
        return (("_sort", "date"), *(("date", f"{sign}{when}") for sign, when in limits if when))

    async def _who(self, question: Question) -> Human:
        """QRD-8 is an XCN: number, name, and the authority of the number in its ninth component."""
        value = question.message.first("QRD")[8]
        blank = (("",),)
        number = Value((*value.components[:1], *blank * 2, *(value.components[8:9] or blank)))
        return await self.patients.one(question, number, "QRD^1^8^1")

    async def _of(
        self, question: Question, human: Human, kind: str, params: tuple[tuple[str, str], ...]
    ) -> list[Stored]:
        visibility = await self.patients.gate.visibility(question.caller, kind, "search")
        whose = ("patient", ",".join(f"Patient/{row.id}" for row in human.rows))
        page = await self.patients.store.search(kind, (whose, *params), visibility=visibility)
        return [row for row in page.matches if not row.deleted]
