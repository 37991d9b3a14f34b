"""
The page of one message: its way through the exchange, and on demand its words, which are health data and audited.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.responses import Response

from adapters.hl7v2.site import Site
from hie.applications.administration import original, traffic
from hie.applications.administration.beside import beside
from hie.applications.administration.codes import KINDS
from hie.applications.administration.correcting import Corrections
from hie.applications.administration.kept import Kept
from hie.applications.administration.monitor import BASE, site_names
from hie.applications.administration.reasons import Reasons
from hie.applications.administration.segments import visible
from hie.applications.administration.services import Services
from hie.directory.senders import provisional
from hie.exchange.dead_letters import REPLAYABLE
from hie.exchange.inbound import InboundMessage
from hie.ui import N_
from hie.workbench.desk import Visit
from records.errors import NotFound

# What became of a field, by the states of the mapping report.
FATES = {"mapped": N_("已读取"), "kept": N_("原样保存"), "moved": N_("按档案移到别处"), "envelope": N_("信封")}


@dataclass(frozen=True, slots=True)
class MessagePages:
    """Handlers."""

    services: Services
    kept: Kept
    corrections: Corrections
    reasons: Reasons = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reasons", Reasons(self.kept))

    async def show(self, visit: Visit) -> Response:
        """GET: state, acknowledgement, attempts, remarks, what was not mapped; no word of the message."""
        message = await self.message(visit)
        details = await self.services.journal.details(message.id)
        names = await site_names(visit)
        return visit.render(
            "administration/message.html", message=message, name=names.get(message.site, ""), details=details,
            words=traffic.STATE_WORDS, tones=traffic.STATE_TONES, may_replay=message.state in REPLAYABLE,
            base=f"{BASE}/messages/{message.id}", kinds=KINDS, sent=visit.query.get("sent", ""),
            corrections=await self.corrections.about(message.id), plain=message.channel != "fhir",
        )  # fmt: skip

    async def content(self, visit: Visit) -> Response:
        """GET: each field beside what it became, after a reason; in the trail of everybody it is about."""
        message = await self.message(visit, body=True)
        if not await self.reasons.given(visit, message.id):
            return self._ask(visit, message, {}, 200)
        shown = original.read(message, await self.site(message.sender))
        sides = await beside(visit, self.services.store, shown)
        status, why = (403, ("consent-applied",)) if sides.withheld else (200, ())
        for patient in shown.subjects or ("",):
            visit.note("read", resource_type="MessageHeader", resource_id=message.id, patient=patient,
                       status=status, reasons=why)  # fmt: skip
        answer = (await self.services.journal.answer(message.id)).decode("utf-8", "backslashreplace")
        return visit.render(
            "administration/content.html", message=message, original=shown, sides=sides, fates=FATES,
            answer=[visible(line) for line in answer.split("\r") if line], base=f"{BASE}/messages/{message.id}",
            plain=message.channel != "fhir",
        )  # fmt: skip

    async def reason(self, visit: Visit) -> Response:
        """POST: why; then the words."""
        message = await self.message(visit)
        if errors := await self.reasons.take(visit, message.id):
            return self._ask(visit, message, errors, 422)
        to = "correct" if visit.form.get("to") == "correct" else "content"
        return visit.redirect(f"{BASE}/messages/{message.id}/{to}")

    def _ask(self, visit: Visit, message: InboundMessage, errors: dict[str, str], status: int) -> Response:
        return ask(visit, message, errors, status, to=visit.form.get("to", ""))

    async def message(self, visit: Visit, *, body: bool = False) -> InboundMessage:
        """The message of the address, with its bytes where they are wanted."""
        return await message_of(self.services, visit, body=body)

    async def site(self, sender: str) -> Site:
        """The profile that the message is read with."""
        return await site_of(self.services, sender)


def ask(visit: Visit, message: InboundMessage, errors: dict[str, str], status: int, *, to: str = "") -> Response:
    """The page that asks why."""
    return visit.render(
        "administration/reason.html", status=status, message=message, errors=errors, values=dict(visit.form), to=to,
        base=f"{BASE}/messages/{message.id}",
    )  # fmt: skip


async def message_of(services: Services, visit: Visit, *, body: bool = False) -> InboundMessage:
    """The message that the address names; NotFound where there is none."""
    wanted = visit.params["message"]
    if body:
        found = await services.journal.get(wanted)
    else:
        found = next(iter(await services.journal.search(message_id=wanted, limit=1)), None)
    if found is None:
        raise NotFound("There is no such message.")
    return found


async def site_of(services: Services, sender: str) -> Site:
    """The profile of a sender; where there is none, the one it would have."""
    settings = services.settings
    known = await services.directory.site_for(sender) if sender else None
    return known or provisional(sender, charset=settings.default_charset, zone=settings.default_zone)
