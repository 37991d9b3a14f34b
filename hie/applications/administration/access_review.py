"""
Review of accesses: broken glasses and refusals, the latest first, and what the privacy officer found.

https://profiles.ihe.net/ITI/BALP/; 个人信息保护法 第五十四条 (compliance audits of the handling of personal data)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import Response

from hie.applications.administration.monitor import BASE
from hie.applications.administration.services import Services
from hie.applications.fhir import moment
from hie.audit.events import DECISION, patient_of
from hie.exchange.database import exchange_database
from hie.ui import N_, Option
from hie.workbench.desk import Visit
from hie.workbench.grants import PURPOSES
from records.stored import Json

SIZE = 25
EMERGENCY = "110127"
LONGEST = 500
VIEWS = {"emergency": N_("紧急访问"), "denied": N_("被拒绝的访问")}
FINDINGS = {"justified": N_("合理"), "unjustified": N_("不合理，需要处理")}
ROLES = {
    "clinician": N_("临床医生"), "pharmacist": N_("药师"), "public-health": N_("公共卫生医师"),
    "administrator": N_("平台管理员"), "resident": N_("居民本人"), "system": N_("后台系统"),
}  # fmt: skip
FILTERS = {"emergency": ("subtype", EMERGENCY), "denied": ("outcome", "4")}


@dataclass(frozen=True, slots=True)
class Access:
    """One AuditEvent as a line: who, from where, why, what. `finding` is the officer's."""

    id: str
    at: datetime | None
    who: str
    role: str
    organization: str
    purpose: str
    reason: str
    action: str
    patient: str
    decision: Sequence[str]
    finding: Mapping[str, Any] | None = None


def to_access(event: Json, finding: Mapping[str, Any] | None = None) -> Access:
    """An AuditEvent as a line."""
    user: Json = next((one for one in event.get("agent", ()) if one.get("requestor")), {})
    purpose: Json = next(iter(user.get("purposeOfUse", ())), {})
    roles = [coding for role in user.get("role", ()) for coding in role.get("coding", ())]
    others = [one for one in event.get("agent", ()) if one is not user]
    organization = next((one["who"].get("display", "") for one in others if _is_provider(one)), "")
    return Access(
        event["id"],
        moment(event.get("recorded")),
        str(user.get("name") or user.get("who", {}).get("display", "")),
        str(next((one.get("code", "") for one in roles), "")),
        str(organization),
        str(next((one.get("code", "") for one in purpose.get("coding", ())), "")),
        str(purpose.get("text", "")),
        str(next((one.get("code", "") for one in event.get("subtype", ()) if one.get("code") != EMERGENCY), "")),
        patient_of(event),
        [str(one).removeprefix(DECISION) for one in user.get("policy", ())],
        finding,
    )


def _is_provider(agent: Json) -> bool:
    return any(one.get("code") == "PROV" for one in agent.get("type", {}).get("coding", ()))


@dataclass(frozen=True, slots=True)
class AccessReview:
    """Handlers; the findings are in `access_reviews`, by the id of the AuditEvent."""

    services: Services

    async def show(self, visit: Visit) -> Response:
        """GET: one of the two lists."""
        return await self._page(visit, {}, 200)

    async def _page(self, visit: Visit, errors: Mapping[str, str], status: int) -> Response:
        view = visit.query.get("view", "emergency")
        view = view if view in VIEWS else "emergency"
        asked = (FILTERS[view], ("_sort", "-date"))
        page = await visit.reader.page("AuditEvent", *asked, count=SIZE, cursor=visit.query.get("page", ""))
        findings = await self.findings([row.id for row in page.matches])
        rows = [to_access(row.resource(), findings.get(row.id)) for row in page.matches]
        return visit.render(
            "administration/accesses.html", status=status, view=view, rows=rows, total=page.total or 0,
            views=tuple(Option(code, text) for code, text in VIEWS.items()), words=FINDINGS, errors=errors,
            roles=ROLES, purposes=PURPOSES, values=visit.form,
            older=page.next_cursor and f"?view={view}&page={page.next_cursor}",
            findings=tuple(Option(code, text) for code, text in FINDINGS.items()),
        )  # fmt: skip

    async def findings(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """What was found, by event."""
        found = self._findings.find({"_id": {"$in": list(ids)}})
        return {one["_id"]: one async for one in found}

    @property
    def _findings(self) -> Any:
        return exchange_database(self.services.client, self.services.settings.database_prefix)["access_reviews"]

    async def unreviewed(self) -> int:
        """Emergencies that nobody has looked at: all of them less those with a finding."""
        count = ("_summary", "count")
        emergencies = (await self.services.store.search("AuditEvent", (FILTERS["emergency"], count))).total or 0
        reviewed = await self._findings.count_documents({"view": "emergency"})
        return int(max(emergencies - reviewed, 0))

    async def review(self, visit: Visit) -> Response:
        """POST: the finding for one access, given once."""
        event = await visit.reader.read("AuditEvent", visit.params["event"])
        finding, note = (visit.form.get(f"{name}-{event.id}", "") for name in ("finding", "note"))
        if finding not in FINDINGS:
            return await self._page(visit, {f"finding-{event.id}": N_("请选择复核结论。")}, 422)
        if finding == "unjustified" and not note:
            return await self._page(visit, {f"note-{event.id}": N_("不合理的访问请写明情况。")}, 422)
        emergency = any(one.get("code") == EMERGENCY for one in event.resource().get("subtype", ()))
        kept = {"finding": finding, "note": note[:LONGEST], "by": visit.caller.subject, "name": visit.caller.name,
                "at": self.services.clock(), "view": "emergency" if emergency else "denied"}  # fmt: skip
        await self._findings.update_one({"_id": event.id}, {"$setOnInsert": kept}, upsert=True)
        visit.note("operation", resource_type="AuditEvent", resource_id=event.id, patient=patient_of(event.resource()))
        return visit.redirect(f"{BASE}/accesses?view={kept['view']}")
