"""
Opening a record: with a task it is the task's business; without one the caller says why, once a person and session.

The question comes before anything of the record is shown, and looks the same whether there is such a record or not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from starlette.responses import RedirectResponse, Response

from hie.access.caller import EMERGENCY
from hie.applications.fhir import patient_of, words
from hie.applications.work import of_patients
from hie.errors import Refused
from hie.exchange.ids import Clock
from hie.ui import N_, Option, preferences
from hie.workbench import grants
from hie.workbench.banner import Banner, Facts, card
from hie.workbench.desk import Answered, Visit
from hie.workbench.grants import Grant
from hie.workbench.sessions import Sessions
from records.errors import Gone, NotFound
from records.stored import EVERYTHING, Json

RECORDS = "/workbench/patients"
READ = 100
CONFIRM = (Option("1", N_("我了解这次访问会被标记并复核")),)
HINTS = {
    "TREAT": N_("居民正在本机构就诊、转诊或会诊"),
    "ETREAT": N_("居民有生命危险或无法表达意愿。访问会被标记，居民会看到，隐私专员会复核"),
    "PUBHLTH": N_("疾病报告、流行病学调查、免疫规划"),
    "HOPERAT": N_("处方点评、质量检查等管理工作"),
}


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens records for visits, and holds the page that asks why."""

    sessions: Sessions
    clock: Clock

    async def open(self, visit: Visit, patient_id: str, task: Json | None) -> Banner:
        """The banner of the human; raises `Answered` with the question, NotFound or Refused."""
        person = await visit.work.person(patient_id)
        patients = await visit.work.patients(patient_id)
        grant = visit.session.grant(person, self.clock())
        if grant is not None:
            visit.caller = grant.caller(visit.caller)
            why = grant.reason
        elif task is not None and _is_about(visit, task, patients):
            why = _task_words(task)
        else:
            raise Answered(self._ask(visit, patient_id))
        visit.opened |= dict.fromkeys(patients, visit.caller)
        found = await self._facts(visit, patient_id, patients)
        emergency = visit.caller.purpose in EMERGENCY
        shown = card(found, why=why, emergency=emergency, href=f"{RECORDS}/{quote(patient_id)}")
        visit.banner = Banner(patient_id, patients, person, shown, emergency)
        return visit.banner

    async def _facts(self, visit: Visit, patient_id: str, patients: Sequence[str]) -> Facts:
        """Everything that the banner needs; a refusal by the resident is written down as one."""
        try:
            first = await visit.reader.read("Patient", patient_id)
        except (NotFound, Gone):
            if await self._exists(visit, patient_id):
                visit.note("read", resource_type="Patient", resource_id=patient_id, patient=patient_id, status=403,
                           reasons=("consent-applied",))  # fmt: skip
            raise
        who = of_patients(patients)
        others, allergies, conditions, flags, consents = await asyncio.gather(
            visit.reader.named("Patient", [one for one in patients if one != patient_id]),
            self._first(visit, "AllergyIntolerance", who),
            self._first(visit, "Condition", who),
            self._first(visit, "Flag", who),
            self._first(visit, "Consent", who),
        )
        return Facts((first.resource(), *others.values()), allergies, conditions, flags, consents)

    async def _first(self, visit: Visit, resource_type: str, who: tuple[str, str]) -> list[Json]:
        try:
            return await visit.reader.first(resource_type, who, ("_sort", "-_lastUpdated"), count=READ)
        except Refused:
            return []  # the role sees no such resources: the banner goes without

    async def _exists(self, visit: Visit, patient_id: str) -> bool:
        found = await visit.work.store.read_many([f"Patient/{patient_id}"], visibility=EVERYTHING)
        return bool(found)

    def _ask(self, visit: Visit, patient_id: str) -> Response:
        back = _here(visit)
        return RedirectResponse(f"{RECORDS}/{quote(patient_id)}/reason?back={quote(back, safe='/')}", 303)

    # The page that asks

    async def ask(self, visit: Visit) -> Response:
        """GET: why?"""
        return self._page(visit, {"purpose": _first_choice(visit)}, {}, 200)

    async def answer(self, visit: Visit) -> Response:
        """POST: keep the reason and go on to the record."""
        purpose, reason = visit.form.get("purpose", ""), visit.form.get("reason", "")
        errors = grants.check(visit.caller.role, purpose, reason, confirmed="confirmed" in visit.form)
        if errors:
            return self._page(visit, dict(visit.form), errors, 422)
        person = await visit.work.person(visit.params["patient"])
        await self.sessions.allow(visit.session, Grant(person, purpose, reason, self.clock()))
        return visit.redirect(_back(visit, visit.form.get("back", "")))

    def _page(self, visit: Visit, values: dict[str, str], errors: dict[str, str], status: int) -> Response:
        allowed = grants.purposes(visit.caller.role)
        options = tuple(Option(code, grants.PURPOSES[code], HINTS[code]) for code in allowed)
        back = _back(visit, visit.form.get("back") or visit.query.get("back", ""))
        return visit.render(
            "workbench/reason.html", status=status, options=options, errors=errors, values=values, back=back,
            emergency=any(code in EMERGENCY for code in allowed), confirm=CONFIRM,
        )  # fmt: skip


def _is_about(visit: Visit, task: Json, patients: Sequence[str]) -> bool:
    """Only a resource that was read through the visit's own reader opens a record, and only its patient's."""
    reference = f"{task.get('resourceType')}/{task.get('id')}"
    return reference in visit.reader.seen and patient_of(task) in patients


def _task_words(task: Json) -> str:
    named = words(task.get("code")) or task.get("description") or words(_first_of(task.get("category")))
    return str(named or N_("任务"))


def _first_of(found: object) -> Json | None:
    return found[0] if isinstance(found, list) and found else None


def _here(visit: Visit) -> str:
    """Where the visitor is; a form's own address cannot be gone back to, so it is the page with the form."""
    if visit.request.method in ("GET", "HEAD"):
        query = visit.request.url.query
        return f"{visit.request.url.path}?{query}" if query else visit.request.url.path
    return urlsplit(visit.request.headers.get("referer", "")).path or "/workbench"


def _back(visit: Visit, given: str) -> str:
    local = preferences.local(given)
    return local if local.startswith("/workbench") else f"{RECORDS}/{quote(visit.params['patient'])}"


def _first_choice(visit: Visit) -> str:
    allowed = grants.purposes(visit.caller.role)
    return "" if len(allowed) > 1 and allowed[0] in EMERGENCY else allowed[0]
