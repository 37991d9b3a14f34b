"""
Correcting a message by hand: its text, what the new one would become, and then the new one in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from adapters.errors import AdapterError
from hie.applications.administration import original, reasons
from hie.applications.administration.beside import beside
from hie.applications.administration.correcting import Corrections, Tried, editable, summary, unmapped_of
from hie.applications.administration.kept import Kept
from hie.applications.administration.message import ask, message_of, site_of
from hie.applications.administration.monitor import BASE
from hie.applications.administration.services import Services
from hie.errors import Refused, Unprocessable
from hie.exchange.inbound import InboundMessage
from hie.ui import N_
from hie.workbench.desk import Visit


@dataclass(frozen=True, slots=True)
class CorrectionDesk:
    """Handlers."""

    services: Services
    kept: Kept
    corrections: Corrections

    async def form(self, visit: Visit) -> Response:
        """GET: the text to be corrected, after a reason to look at it."""
        message = await self._message(visit)
        if not await reasons.Reasons(self.kept).given(visit, message.id):
            return ask(visit, message, {}, 200, to="correct")
        text = await self._text(visit, message)
        return self._page(visit, message, {"text": text}, {}, 200)

    async def act(self, visit: Visit) -> Response:
        """POST: `what` is preview or send."""
        message = await self._message(visit)
        if not await reasons.Reasons(self.kept).given(visit, message.id):
            return ask(visit, message, {}, 200, to="correct")
        await self._text(visit, message)
        errors: dict[str, str] = {}
        tried = await self._tried(message, visit.form.get("text", ""), errors)
        if visit.form.get("what") != "send":
            return self._page(visit, message, visit.form, errors, 422 if errors else 200, tried)
        errors |= reasons.check(visit.form, "why")
        if errors or tried is None:
            return self._page(visit, message, visit.form, errors, 422, tried)
        reasons.saying(visit, "why")
        try:
            new = await self.corrections.send(
                message, tried, await site_of(self.services, message.sender), by=visit.caller.subject,
                reason=visit.form["why"],
            )  # fmt: skip
        except Unprocessable:
            return self._page(visit, message, visit.form, {"text": N_("内容没有改动。")}, 422, tried)
        for patient in dict.fromkeys((*tried.translation.subjects, "")):
            visit.note("update", resource_type="MessageHeader", resource_id=message.id, patient=patient)
        return visit.redirect(f"{BASE}/messages/{new}?sent=1")

    async def _message(self, visit: Visit) -> InboundMessage:
        message = await message_of(self.services, visit, body=True)
        if message.channel == "fhir" or message.state in ("pending", "paused") or not message.raw:
            raise Unprocessable("This message cannot be corrected here.")
        return message

    async def _text(self, visit: Visit, message: InboundMessage) -> str:
        """The words; in the trail, and only for who may see the record."""
        shown = original.read(message, await site_of(self.services, message.sender))
        if (await beside(visit, self.services.store, shown)).withheld:
            raise Refused("The record is not open to this caller.")
        for patient in shown.subjects or ("",):
            visit.note("read", resource_type="MessageHeader", resource_id=message.id, patient=patient)
        text, _codec, problem = original.decoded(message.raw, await site_of(self.services, message.sender))
        if problem or len(text) > original.LONGEST:
            raise Unprocessable("The bytes are not in their character set, or too many.")
        return editable(text)

    async def _tried(self, message: InboundMessage, text: str, errors: dict[str, str]) -> Tried | None:
        site = await site_of(self.services, message.sender)
        try:
            return self.corrections.tried(message, text, site)
        except AdapterError as error:
            errors["text"] = f"{error.text} {error.location}".strip()
            return None

    def _page(
        self, visit: Visit, message: InboundMessage, values: Mapping[str, str], errors: Mapping[str, str],
        status: int, tried: Tried | None = None,
    ) -> Response:  # fmt: skip
        return visit.render(
            "administration/correct.html", status=status, message=message, values=dict(values), errors=dict(errors),
            base=f"{BASE}/messages/{message.id}", tried=tried, resources=summary(tried.translation) if tried else (),
            unmapped=unmapped_of(tried.translation) if tried else (),
        )  # fmt: skip
