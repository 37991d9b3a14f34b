"""
One referral: where it stands, every step it took, what is attached, and the steps open to whoever looks.

Specification: region-1251 section 4, REG-01.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from hie.applications import organizations
from hie.applications.numbers import whole
from hie.applications.regional_medical import attachments, queries, rules, use_cases, words
from hie.applications.regional_medical.pages import actor_of
from hie.applications.regional_medical.rules import EDITABLE, Transition
from hie.applications.regional_medical.tasks import BASE
from hie.applications.regional_medical.use_cases import Loaded
from hie.errors import Unprocessable
from hie.ui import N_
from hie.workbench.desk import Visit
from records.errors import Conflict, NotFound

CHANGED = N_("另一位工作人员刚刚处理了这份转诊，您的操作没有执行。下面是最新状态，请核对后再操作。")
NEEDED = N_("请填写此项。")
TOO_LONG = N_("文字过长，请缩短到 2000 字以内。")
LONGEST = 2000


async def open_referral(visit: Visit) -> Loaded:
    """The referral of the address, with its patient's record open: a party's task brings it there."""
    found = await use_cases.load(visit.reader, visit.params["referral"])
    parties = found.referral.parties((await actor_of(visit)).own)
    task = found.task.resource() if parties else None
    await visit.open_record(found.referral.patient, task=task)
    return found


async def show(visit: Visit) -> Response:
    """GET: the referral."""
    return await _page(visit, await open_referral(visit), 200)


async def take(visit: Visit) -> Response:
    """POST: one step."""
    found, action = await open_referral(visit), visit.params["action"]
    if action not in words.ACTIONS or action in ("submit", "expire"):
        raise NotFound("There is no such step.")
    text = visit.form.get("text", "").strip()
    row = rules.find(found.referral.state, action, found.referral.application.direction)
    if row is not None and (error := _wrong(row, text)):
        return await _page(visit, found, 422, errors={f"text-{action}": error}, values={f"text-{action}": text})
    try:
        await use_cases.advance(
            visit.work, visit.reader, found.referral.id, action, await actor_of(visit), text=text,
            version=whole(visit.form.get("version", "")),
        )  # fmt: skip
    except (Conflict, Unprocessable):
        latest = await use_cases.load(visit.reader, found.referral.id)
        return await _page(visit, latest, 409, notice=CHANGED, values={f"text-{action}": text})
    return visit.redirect(f"{BASE}/referrals/{found.referral.id}")


def _wrong(row: Transition, text: str) -> str:
    if row.reason and not text:
        return NEEDED
    return TOO_LONG if len(text) > LONGEST else ""


async def _page(
    visit: Visit, found: Loaded, status: int, *, notice: str = "",
    errors: Mapping[str, str] | None = None, values: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    referral = found.referral
    parties = referral.parties((await actor_of(visit)).own)
    choices = rules.choices(referral.state, parties, referral.application.direction)
    editable = referral.state in EDITABLE and "referring" in parties
    return visit.render(
        "regional_medical/referral.html", status=status, referral=referral, version=found.task.version, notice=notice,
        errors=errors or {}, values=values or {}, words=words, base=BASE, editable=editable,
        steps=[row for row in choices if row.action != "submit"], late=referral.is_late(visit.work.clock()),
        history=await queries.timeline(visit.reader, found.task.resource()),
        entries=await attachments.attached(visit.reader, referral.application.attachments),
        names=await organizations.names(visit.reader, (referral.sender, referral.application.receiver)),
    )  # fmt: skip
