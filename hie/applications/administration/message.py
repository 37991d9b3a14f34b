"""
The page of one message: its way through the exchange, and on demand its words, which are health data and audited.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from adapters.hl7v2.site import Site
from hie.applications.administration import original, traffic
from hie.applications.administration.codes import KINDS
from hie.applications.administration.monitor import BASE, site_names
from hie.applications.administration.services import Services
from hie.directory.senders import provisional
from hie.exchange.dead_letters import REPLAYABLE
from hie.exchange.inbound import InboundMessage
from hie.workbench.desk import Visit
from records.errors import NotFound


@dataclass(frozen=True, slots=True)
class MessagePages:
    """Handlers."""

    services: Services

    async def show(self, visit: Visit) -> Response:
        """GET: state, acknowledgement, remarks, what was not mapped; no word of the message."""
        message = await self._message(visit)
        details = await self.services.journal.details(message.id)
        names = await site_names(visit)
        return visit.render(
            "administration/message.html", message=message, name=names.get(message.site, ""), details=details,
            words=traffic.STATE_WORDS, tones=traffic.STATE_TONES, may_replay=message.state in REPLAYABLE,
            base=f"{BASE}/messages/{message.id}", kinds=KINDS,
        )  # fmt: skip

    async def content(self, visit: Visit) -> Response:
        """GET: the bytes as text beside what they were translated to; in the trail of everybody it is about."""
        message = await self._message(visit, body=True)
        shown = original.read(message, await self._site(message.sender))
        for patient in shown.subjects or ("",):
            visit.note("read", resource_type="MessageHeader", resource_id=message.id, patient=patient)
        return visit.render(
            "administration/content.html", message=message, original=shown,
            answer=(await self.services.journal.answer(message.id)).decode("utf-8", "backslashreplace"),
            stored=await self._stored(shown), base=f"{BASE}/messages/{message.id}",
        )  # fmt: skip

    async def _message(self, visit: Visit, *, body: bool = False) -> InboundMessage:
        wanted = visit.params["message"]
        if body:
            found = await self.services.journal.get(wanted)
        else:
            found = next(iter(await self.services.journal.search(message_id=wanted, limit=1)), None)
        if found is None:
            raise NotFound("There is no such message.")
        return found

    async def _site(self, sender: str) -> Site:
        settings = self.services.settings
        known = await self.services.directory.site_for(sender) if sender else None
        return known or provisional(sender, charset=settings.default_charset, zone=settings.default_zone)

    async def _stored(self, shown: original.Original) -> dict[str, int]:
        """Which of the resources are in the stores, with their version; the page shows no more of them."""
        references = [f"{one.type}/{one.id}" for one in shown.resources]
        found = await self.services.store.read_many(references)
        return {reference: row.version for reference, row in found.items()}
