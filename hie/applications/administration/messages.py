"""
The list of messages, and the question that it answers: by id, patient, site, type, state, time, acknowledgement.

What is asked about somebody is sent by POST and kept on the server; the list's address then is an opaque id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from hie.applications.administration import criteria, traffic
from hie.applications.administration.counting import UNKNOWN
from hie.applications.administration.finding import Finding, Found
from hie.applications.administration.kept import Kept
from hie.applications.administration.monitor import BASE, site_names
from hie.applications.administration.services import Services
from hie.exchange.entries import to_message
from hie.exchange.inbound import InboundMessage
from hie.exchange.journal_reading import WITHOUT_BODY
from hie.ui import N_, Option
from hie.workbench.desk import Visit

LIST = f"{BASE}/messages"
SIZE = 25
ANSWERS = tuple(Option(code, code) for code in criteria.ACKNOWLEDGEMENTS)


@dataclass(frozen=True, slots=True)
class MessageList:
    """Handlers."""

    services: Services
    kept: Kept
    finding: Finding = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "finding", Finding(self.services))

    async def show(self, visit: Visit) -> Response:
        """GET: the latest messages, or those of a question that is about nobody."""
        asked = criteria.asked_for({name: visit.query.get(name, "") for name in criteria.PLAIN})
        if errors := criteria.check(asked):
            return await self._page(visit, asked, [], errors=errors, status=422)
        before = visit.query.get("before", "")
        rows = await self._find(criteria.to_query(asked, before))
        return await self._page(visit, asked, rows, address=LIST, query=asked, later=bool(before))

    async def ask(self, visit: Visit) -> Response:
        """POST: a question; one about somebody is kept, any other becomes the address of its answer."""
        asked = criteria.asked_for(visit.form)
        if errors := criteria.check(asked):
            return await self._page(visit, asked, [], errors=errors, status=422)
        if any(asked.get(name) for name in criteria.PERSONAL):
            given = await self.kept.keep(visit.session.key, "search", asked)
            return visit.redirect(f"{LIST}/found/{given}")
        return visit.redirect(f"{LIST}?{urlencode(asked)}" if asked else LIST)

    async def found(self, visit: Visit) -> Response:
        """GET: the answer to a question about somebody."""
        asked = await self.kept.find(visit.session.key, "search", visit.params["search"])
        if asked is None:
            return visit.redirect(LIST)
        found = await self._found(visit, asked)
        for patient in found.patients or ("",):
            visit.note("search", resource_type="MessageHeader", patient=patient, query="MessageHeader?patient")
        before = visit.query.get("before", "")
        rows = await self._find(criteria.to_query(asked, before, found.ids))
        address = f"{LIST}/found/{visit.params['search']}"
        # The number was typed to be looked up, not to be shown again.
        shown = {name: value for name, value in asked.items() if name not in criteria.PERSONAL}
        return await self._page(visit, shown, rows, address=address, later=bool(before), personal=True, cut=found.cut)

    async def _found(self, visit: Visit, asked: Mapping[str, str]) -> Found:
        if person := asked.get("person"):
            return await self.finding.by_person(visit, person)
        return await self.finding.by_number(visit, asked["number"])

    async def _find(self, query: Mapping[str, Any]) -> list[InboundMessage]:
        """One more than a page holds, the latest first, without their bytes."""
        found = self.services.journal.collection.find(dict(query), WITHOUT_BODY)
        return [to_message(one) async for one in found.sort("_id", -1).limit(SIZE + 1).max_time_ms(5000)]

    async def _page(
        self, visit: Visit, asked: Mapping[str, str], rows: list[InboundMessage], *, address: str = LIST,
        query: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None, status: int = 200,
        later: bool = False, personal: bool = False, cut: bool = False,
    ) -> Response:  # fmt: skip
        names = await site_names(visit)
        more = f"{address}?{urlencode({**(query or {}), 'before': rows[SIZE - 1].id})}" if rows[SIZE:] else ""
        first = f"{address}?{urlencode(query)}" if query else address
        return visit.render(
            "administration/messages.html", status=status, rows=rows[:SIZE], asked=asked, more=more,
            first=first if later else "", states=traffic.STATE_OPTIONS, words=traffic.STATE_WORDS,
            tones=traffic.STATE_TONES, sites=await self._sites(names), names=names, answers=ANSWERS,
            errors=errors or {}, personal=personal, cut=cut,
        )  # fmt: skip

    async def _sites(self, names: dict[str, str]) -> tuple[Option, ...]:
        found = await self.services.journal.collection.distinct("site")
        known = (Option(site, names.get(site) or site) for site in sorted(filter(None, found)))
        return (*known, Option(UNKNOWN, N_("不明的发送方")))
