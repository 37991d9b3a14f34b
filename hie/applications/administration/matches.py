"""
Match review: two records side by side, the evidence for and against, and the steward's answer, which stays.

https://profiles.ihe.net/ITI/PIXm/; Fellegi and Sunter, A Theory for Record Linkage (1969)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from hie.applications.administration.compare import compare, evidence_lines
from hie.applications.administration.match_words import REASONS
from hie.applications.administration.monitor import BASE
from hie.applications.administration.services import Services
from hie.applications.fhir import name_of
from hie.identity.reviews import Review
from hie.ui import N_, Option
from hie.workbench.desk import Visit
from records.errors import NotFound
from records.stored import Json

MOST = 100
STATES = {"open": N_("待判断"), "linked": N_("已判为同一人"), "apart": N_("已判为不同的人")}


@dataclass(frozen=True, slots=True)
class MatchDesk:
    """Handlers."""

    services: Services

    async def show(self, visit: Visit) -> Response:
        """GET: open questions, or those answered."""
        state = visit.query.get("state", "open")
        state = state if state in STATES else "open"
        rows = await self.services.registry.reviews(state, MOST)
        return visit.render(
            "administration/matches.html", rows=rows, state=state, reasons=REASONS,
            states=tuple(Option(code, text) for code, text in STATES.items()),
            count=await self.services.registry.reviews_of.count("open"), decided=visit.query.get("decided", ""),
        )  # fmt: skip

    async def one(self, visit: Visit) -> Response:
        """GET: one question with both sides."""
        return await self._page(visit, await self._review(visit), {}, 200)

    async def _review(self, visit: Visit) -> Review:
        found = await self.services.registry.reviews_of.get(visit.params["review"])
        if found is None:
            raise NotFound("There is no such question.")
        return found

    async def _page(self, visit: Visit, review: Review, errors: Mapping[str, str], status: int) -> Response:
        mine = await self._records(visit, [review.patient])
        person = await self.services.registry.person_of(review.patient)
        together = await self.services.registry.expand(person) if person else ()
        theirs = await self._records(visit, [one for one in await self.services.registry.expand(review.rival)
                                             if one != review.patient])  # fmt: skip
        return visit.render(
            "administration/match.html", status=status, review=review, errors=errors, words=STATES,
            reason=REASONS.get(review.reason, review.reason), evidence=evidence_lines(review.evidence),
            comparison=compare(mine, theirs), missing=not mine or not theirs, reasons=REASONS,
            together=[_option(one) for one in await self._records(visit, together)] if len(together) > 1 else [],
            taken=visit.query.get("taken", ""),
        )  # fmt: skip

    async def _records(self, visit: Visit, patients: Sequence[str]) -> list[Json]:
        """Source records, with the facility that keeps each."""
        found = await visit.reader.named("Patient", patients)
        return [found[one] for one in patients if one in found]

    async def decide(self, visit: Visit) -> Response:
        """POST: the same human, or two."""
        review = await self._review(visit)
        answer = visit.form.get("answer", "")
        if answer not in ("same", "different"):
            return await self._page(visit, review, {"answer": N_("请选择是同一人还是不同的人。")}, 422)
        await self.services.registry.decide(review.id, answer == "same", by=visit.caller.subject)
        self._note(visit, review.rival, [review.patient])
        return visit.redirect(f"{BASE}/matches?decided={answer}")

    async def take_apart(self, visit: Visit) -> Response:
        """POST: these source records are not this human's."""
        review = await self._review(visit)
        chosen = [one for one in visit.values("patient") if one]
        if not chosen:
            return await self._page(visit, review, {"patient": N_("请勾选要拆出的记录。")}, 422)
        by = visit.caller.subject

        async def apart(session: Any) -> str:
            return await self.services.registry.unmerge(chosen, session=session, by=by)

        person = await self.services.store.in_transaction(apart)
        self._note(visit, person, chosen)
        return visit.redirect(f"{BASE}/matches/{review.id}?taken=1")

    def _note(self, visit: Visit, person: str, patients: Sequence[str]) -> None:
        for patient in patients:
            visit.note("update", resource_type="Person", resource_id=person, patient=patient)


def _option(patient: Json) -> Option:
    """A source record as a box to tick."""
    return Option(patient["id"], f"{name_of(patient)} {patient.get('birthDate', '')}".strip(), patient["id"])
