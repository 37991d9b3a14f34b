"""
Q23: by which identifiers a patient is known elsewhere. Q24: new identifiers, which this exchange does not allocate.

IHE ITI-9, https://profiles.ihe.net/ITI/TF/Volume2/ITI-9.html
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.errors import Unsupported
from adapters.hl7v2.from_fhir.identifiers import cx
from adapters.hl7v2.from_fhir.writing import Line
from adapters.hl7v2.to_fhir.identifiers import cx as read_cx
from hie.queries.answering import NOTHING, Found, receiver_of
from hie.queries.asking import Question
from hie.queries.patients import Patients


@dataclass(frozen=True, slots=True)
class Pix:
    """Corresponding identifiers."""

    patients: Patients

    async def __call__(self, question: Question) -> Found:
        """Every identifier of the same human in the domains of QPD-4, without the one that was asked with."""
        asked = question.definition[3]
        domains = await self.patients.domains(question, 4)
        human = await self.patients.one(question, asked, "QPD^1^3^1")
        own = read_cx(asked, question.site, question.times)
        listed = human.within(domains, but=(own["system"], own["value"]))
        if not listed:
            return NOTHING
        receiver = receiver_of(question.header)
        # The names of the patient are not what was asked for: IHE wants the field, and nothing in it.
        pid = Line("PID", {3: [cx(one, receiver) for one in listed], 5: ("", "", "", "", "", "", "S")})
        return Found([pid], human.rows, total=1, here=1)


async def allocate(_question: Question) -> Found:
    """Numbers are given by the hospitals."""
    raise Unsupported("Identifiers are not allocated here.", location="MSH^1^9^2", condition="201")
