"""
The application form of a referral: new, or a draft, a proposal or a returned one to be mended.

Specification: region-1251 section 4, REG-01; https://design-system.service.gov.uk/components/error-summary/
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from hie.applications import organizations
from hie.applications.numbers import whole
from hie.applications.regional_medical import application, attachments, referral, use_cases, words
from hie.applications.regional_medical.attachments import Entry
from hie.applications.regional_medical.pages import actor_of, today_of
from hie.applications.regional_medical.rules import DIRECTIONS, EDITABLE
from hie.applications.regional_medical.stepping import open_referral
from hie.applications.regional_medical.tasks import BASE
from hie.applications.regional_medical.use_cases import Actor, Loaded
from hie.errors import Unprocessable
from hie.ui import N_, Option
from hie.workbench.desk import Visit
from records.errors import Conflict
from records.search.values import escaped

CHANGED = N_("您填写期间，这份转诊已被他人修改。请核对后再次提交，填写的内容已保留。")
NO_LONGER = N_("这份转诊已经提交或撤销，不能再修改。您填写的内容没有保存。")
NO_INSTITUTION = N_("您的账号没有登记在机构目录中的机构，不能发起转诊。请联系平台管理员。")
NO_NUMBER = N_("请填写身份证号。")
NOT_FOUND = N_("没有找到，或者居民限制了访问。请核对号码。")
IDENTITY = "urn:oid:2.16.156.10011.1.3"
KEY = re.compile(r"[0-9a-f-]{36}")


async def new(visit: Visit) -> Response:
    """GET: an empty form for one patient; without a patient, the way to find one."""
    patient = visit.query.get("patient", "")
    if not patient:
        return _choose(visit, {}, 200)
    await visit.open_record(patient)
    values = {"direction": "up", "priority": "routine", "key": str(uuid.uuid4()), "patient": patient}
    return await _page(visit, await actor_of(visit), values, (), {}, 200)


async def begin(visit: Visit) -> Response:
    """POST: look a patient up, keep a draft, or submit."""
    if "find" in visit.form:
        return await _find(visit, visit.form.get("number", "").strip().upper())
    patient, key = visit.form.get("patient", ""), visit.form.get("key", "")
    if not patient or not KEY.fullmatch(key):
        return visit.problem(400, N_("表单不完整，请重新打开新建转诊页面。"))
    await visit.open_record(patient)
    actor, submit = await actor_of(visit), "submit" in visit.form
    if not actor.own:
        return visit.problem(403, NO_INSTITUTION)
    asked, errors = await _asked(visit, actor, submit)
    if errors:
        return await _page(visit, actor, visit.form, visit.values("attachments"), errors, 422)
    try:
        made = await use_cases.begin(visit.work, key, patient, asked, actor, submit=submit)
    except Conflict:
        # The same form once more: what it made is there.
        made = referral.task_id((key,))
    return visit.redirect(f"{BASE}/referrals/{made}")


async def _find(visit: Visit, number: str) -> Response:
    """The number stays in the form; the address that follows holds an opaque id."""
    if not number:
        return _choose(visit, {"number": NO_NUMBER}, 422)
    rows = await visit.reader.first("Patient", ("identifier", f"{IDENTITY}|{escaped(number)}"))
    if not rows:
        return _choose(visit, {"number": NOT_FOUND}, 422)
    return visit.redirect(f"{BASE}/new?patient={rows[0]['id']}")


def _choose(visit: Visit, errors: Mapping[str, str], status: int) -> Response:
    return visit.render("regional_medical/choose.html", status=status, errors=errors, values=visit.form, base=BASE)


async def edit(visit: Visit) -> Response:
    """GET: the form of a draft."""
    found = await open_referral(visit)
    actor = await actor_of(visit)
    if found.referral.state not in EDITABLE or "referring" not in found.referral.parties(actor.own):
        return visit.redirect(f"{BASE}/referrals/{found.referral.id}")
    asked = found.referral.application
    values = {name: value for name, value in asdict(asked).items() if name != "agreed"}
    values |= {"agreed": "yes"} if asked.agreed else {}
    return await _page(visit, actor, values, asked.attachments, {}, 200, found)


async def revise(visit: Visit) -> Response:
    """POST: keep the draft, or submit."""
    found = await open_referral(visit)
    actor, submit = await actor_of(visit), "submit" in visit.form
    asked, errors = await _asked(visit, actor, submit, found)
    if errors:
        return await _page(visit, actor, visit.form, visit.values("attachments"), errors, 422, found)
    try:
        await use_cases.revise(
            visit.work, visit.reader, found.referral.id, asked, actor, submit=submit,
            version=whole(visit.form.get("version", "")),
        )  # fmt: skip
    except (Conflict, Unprocessable):
        return await _lost(visit, actor)
    return visit.redirect(f"{BASE}/referrals/{found.referral.id}")


async def _lost(visit: Visit, actor: Actor) -> Response:
    found = await use_cases.load(visit.reader, visit.params["referral"])
    if found.referral.state not in EDITABLE:
        return visit.problem(409, NO_LONGER)
    return await _page(visit, actor, visit.form, visit.values("attachments"), {}, 409, found, notice=CHANGED)


async def _asked(
    visit: Visit, actor: Actor, submit: bool, found: Loaded | None = None
) -> tuple[referral.Application, dict[str, str]]:  # fmt: skip
    """What was filled in. Only what the page offered can be attached: nothing of somebody else's record."""
    receivers = [one.value for one in await _receivers(visit, actor)]
    attached = found.referral.application.attachments if found else ()
    allowed = {one.reference for one in await _entries(visit, attached)}
    ticked = [one for one in visit.values("attachments") if one in allowed]
    return application.read(visit.form, ticked, receivers, submit=submit)


async def _receivers(visit: Visit, actor: Actor) -> list[Option]:
    """Every institution but the own ones."""
    found = await organizations.active(visit.reader)
    options = [Option(f"Organization/{one['id']}", str(one.get("name", ""))) for one in found]
    return [one for one in options if one.value not in actor.own]


async def _page(
    visit: Visit, actor: Actor, values: Mapping[str, Any], ticked: Sequence[str], errors: Mapping[str, str],
    status: int, found: Loaded | None = None, *, notice: str = "",
) -> Response:  # fmt: skip
    rules = use_cases.rules_on(today_of(visit))
    attached = found.referral.application.attachments if found else ()
    return visit.render(
        "regional_medical/form.html", status=status, values=values, ticked=frozenset(ticked), errors=errors,
        notice=notice, words=words, base=BASE, found=found, member=bool(actor.own), rules=rules,
        receivers=await _receivers(visit, actor), entries=await _entries(visit, attached),
        directions=tuple(Option(one, words.DIRECTIONS[one]) for one in DIRECTIONS),
        priorities=tuple(Option(one, words.PRIORITIES[one]) for one in application.PRIORITIES),
    )  # fmt: skip


async def _entries(visit: Visit, ticked: Sequence[str]) -> list[Entry]:
    """What may be attached: what is attached already, and the newest of the record."""
    if visit.banner is None:
        return []
    count = use_cases.rules_on(today_of(visit))["summary_entries"]
    offered = await attachments.offered(visit.reader, visit.banner.patients, count)
    known = {one.reference for one in offered}
    return [*await attachments.attached(visit.reader, [one for one in ticked if one not in known]), *offered]
