"""
The follow-up form: shown with what is known, checked here, filed once, and its result with the rule behind it.

Specification: region-1251 section 3, PHC-03; https://design-system.service.gov.uk/components/error-summary/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from hie.applications import organizations
from hie.applications.fhir import TASK, code_in, patient_of, staff
from hie.applications.numbers import whole
from hie.applications.primary_care import follow_up, queries, use_cases, visit, words
from hie.applications.primary_care import form as forms
from hie.applications.primary_care.pages import own_task, today_of
from hie.applications.primary_care.tasks import BASE
from hie.applications.rule_data import rule_book
from hie.ui import N_
from hie.workbench.desk import Visit
from records.errors import Conflict, NotFound
from records.stored import Stored

CHANGED = N_("您填写期间，这次随访的情况有变化（例如收到新的血压值）。请核对后再次提交，填写的内容已保留。")
OPTIONAL = (
    "heart_rate", "weight", "height", "smoking", "alcohol", "exercise_times", "exercise_minutes", "salt", "mind",
    "compliance",
)  # fmt: skip
MORE_MEDICINES = tuple(f"{part}_{number}" for part in ("medicine", "times", "dose") for number in range(2, 5))
NO_LONGER = N_("这次随访已经完成或停止，您填写的内容没有保存。请返回居民页面查看。")


async def form(visit_: Visit) -> Response:
    """GET: the form, with today and the medicines of the last visit."""
    row = await _task(visit_)
    if not _is_open(row):
        return visit_.redirect(f"{BASE}/follow-ups/{row.id}/result")
    await _open(visit_, row)
    return await _page(visit_, row, await _known(visit_), {}, 200)


async def record(visit_: Visit) -> Response:
    """POST: check, file, and go on to the result."""
    row = await _task(visit_)
    if not _is_open(row):
        return visit_.problem(409, NO_LONGER)
    await _open(visit_, row)
    today = today_of(visit_)
    filled, errors = forms.read(visit_.form, _ticked(visit_), today, use_cases.rules_on(today))
    if filled is None:
        return await _page(visit_, row, visit_.form, errors, 422)
    own = await organizations.own(visit_.reader, visit_.caller.organization)
    try:
        await use_cases.record(
            visit_.work, visit_.reader, row.id, filled, version=whole(visit_.form.get("version", "")),
            author=staff(visit_.caller.subject, visit_.caller.name), facility=min(own, default=""),
        )  # fmt: skip
    except Conflict:
        return await _lost(visit_)
    return visit_.redirect(f"{BASE}/follow-ups/{row.id}/result")


async def result(visit_: Visit) -> Response:
    """GET: class, next visit, reasons, and the version of the rules that decided."""
    row = await _task(visit_)
    await _open(visit_, row)
    try:
        response = await visit_.reader.read("QuestionnaireResponse", visit.response_id(row.id))
    except NotFound:
        return visit_.redirect(f"{BASE}/people/{patient_of(row.resource())}")
    found = visit.record_from(response.resource())
    rules = rule_book("primary_care", "hypertension").named(found.rules)
    return visit_.render(
        "primary_care/result.html", found=found, rules=rules, words=words, base=BASE,
        patient=patient_of(row.resource()),
    )  # fmt: skip


async def _lost(visit_: Visit) -> Response:
    """Somebody wrote first: what was typed is shown again on the new state, or it is too late."""
    row = await _task(visit_)
    if not _is_open(row):
        return visit_.problem(409, NO_LONGER)
    return await _page(visit_, row, visit_.form, {}, 409, notice=CHANGED)


async def _page(
    visit_: Visit, row: Stored, values: Mapping[str, Any], errors: Mapping[str, str], status: int, *, notice: str = ""
) -> Response:  # fmt: skip
    ticked = _ticked(visit_)
    rules = use_cases.rules_on(today_of(visit_))
    danger = {code: words.DANGER[code] for code in rules["danger_symptoms"]}
    return visit_.render(
        "primary_care/form.html", status=status, due=follow_up.due_from(row.resource()), version=row.version,
        values=values, ticked=ticked, errors=errors, notice=notice, words=words, danger=danger, today=today_of(visit_),
        medicines=range(1, forms.MEDICINES + 1), base=BASE, rules=rules,
        more_medicines=_filled(values, errors, MORE_MEDICINES), opened=_filled(values, errors, OPTIONAL),
    )  # fmt: skip


def _filled(values: Mapping[str, Any], errors: Mapping[str, str], names: Sequence[str]) -> bool:
    """Whether a part of the form that is folded away has something to show."""
    return any(values.get(name) or name in errors for name in names)


def _ticked(visit_: Visit) -> tuple[str, ...]:
    return (*visit_.values("symptoms"), *visit_.values("other_symptoms"))


async def _known(visit_: Visit) -> dict[str, str]:
    """What the form starts with."""
    known = {"day": today_of(visit_).isoformat(), "adverse_reaction": "no", "complication": "no"}
    if visit_.banner is None:
        return known
    rules = use_cases.rules_on(today_of(visit_))
    done = (await queries.history(visit_.reader, visit_.banner.patients, rules)).done
    for number, medicine in enumerate(done[0].medicines if done else (), 1):
        known |= {
            f"medicine_{number}": medicine.name, f"times_{number}": medicine.times, f"dose_{number}": medicine.dose,
        }  # fmt: skip
    return known


async def _task(visit_: Visit) -> Stored:
    row = await visit_.reader.read("Task", visit_.params["task"])
    if code_in(row.resource().get("code"), TASK) != follow_up.CODE:
        raise NotFound("There is no such follow-up.")
    return row


async def _open(visit_: Visit, row: Stored) -> None:
    task = row.resource()
    await visit_.open_record(patient_of(task), task=await own_task(visit_, [task]))


def _is_open(row: Stored) -> bool:
    return row.resource()["status"] in follow_up.OPEN_STATES
