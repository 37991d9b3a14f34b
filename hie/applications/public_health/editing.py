"""
The form of a card: prefilled, checked here, kept or reported at once; and the steps that need only a reason.

Specification: region-1251 section 6, PUB-01; https://design-system.service.gov.uk/components/error-summary/
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from hie.applications.fhir import staff
from hie.applications.numbers import whole
from hie.applications.public_health import fields, pages, use_cases, words
from hie.applications.public_health.prefill import districts
from hie.applications.public_health.rules import TRANSITIONS, Action, card_rules_on
from hie.applications.public_health.tasks import BASE
from hie.applications.public_health.use_cases import Opened
from hie.errors import Unprocessable
from hie.ui import Option
from hie.workbench.desk import Visit
from records.errors import Conflict
from records.stored import Json


async def form(visit: Visit) -> Response:
    """GET: the fields as they are kept."""
    opened = await pages.opened_card(visit)
    if not opened.card.is_open:
        return visit.redirect(f"{BASE}/cards/{opened.card.id}")
    return _page(visit, opened, opened.values, {}, 200)


async def submit(visit: Visit) -> Response:
    """POST: keep the fields, or report the card; `do` says which."""
    opened = await pages.opened_card(visit)
    if not opened.card.is_open:
        return visit.problem(409, words.NO_LONGER)
    version, report = whole(visit.form.get("version", "")), visit.form.get("do") == "report"
    try:
        outcome = await use_cases.save(
            visit.work, opened, visit.form, version=version, author=_author(visit), report=report
        )
    except Conflict:
        return await _lost(visit)
    if not outcome.done:
        return _page(visit, opened, outcome.values, outcome.errors, 422)
    return visit.redirect(f"{BASE}/cards/{opened.card.id}")


async def decide(visit: Visit) -> Response:
    """POST: return, dismiss or take up again."""
    opened = await pages.opened_card(visit)
    action, reason = _action(visit.form.get("action", "")), visit.form.get("reason", "")
    if not reason.strip():
        return await pages.card_page(visit, opened, status=422, errors={f"reason-{action}": words.REASON_MISSING})
    version = whole(visit.form.get("version", ""))
    try:
        await use_cases.decide(visit.work, opened, action, reason, version=version, author=_author(visit))
    except Conflict:
        return visit.problem(409, words.LOST)
    return visit.redirect(f"{BASE}/cards/{opened.card.id}")


async def _lost(visit: Visit) -> Response:
    """Somebody wrote first: what was typed is shown again on the new state, or it is too late."""
    opened = await pages.opened_card(visit)
    if not opened.card.is_open:
        return visit.problem(409, words.NO_LONGER)
    return _page(visit, opened, fields.read(visit.form, opened.values), {}, 409, notice=words.CHANGED)


def _page(
    visit: Visit, opened: Opened, values: Mapping[str, str], errors: Mapping[str, str], status: int, *, notice: str = ""
) -> Response:  # fmt: skip
    rules = card_rules_on(opened.card.diagnosed.date())
    tables = {name: [Option(code, text) for code, text in rules[table]] for name, table in fields.CODED.items()}
    return visit.render(
        "public_health/form.html", status=status, card=opened.card, disease=opened.disease, version=opened.row.version,
        values=values, errors=errors, notice=notice, labels=fields.LABELS, tables=tables, rules=rules,
        districts=[Option(code, name) for code, name in districts(visit.work.terminology)], base=BASE,
        needs_course=opened.disease.code in rules["course_diseases"], now=visit.work.clock(), left=pages.left,
    )  # fmt: skip


def _action(text: str) -> Action:
    for row in TRANSITIONS:
        if row.action == text and row.action != "report":
            return row.action
    raise Unprocessable("There is no such step.")


def _author(visit: Visit) -> Json:
    return staff(visit.caller.subject, visit.caller.name)
