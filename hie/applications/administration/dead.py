"""
The desk of dead letters: why a message could not finish, and the ways back: one, those ticked, a site's, all.

https://www.enterpriseintegrationpatterns.com/patterns/messaging/DeadLetterChannel.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from hie.applications.administration import reasons
from hie.applications.administration.monitor import BASE, site_names
from hie.applications.administration.services import Services
from hie.exchange.dead_letters import DeadLetters
from hie.exchange.editing import Editing
from hie.ui import N_, Option
from hie.workbench.desk import Visit

SIZE = 25


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason, and how many messages it holds up."""

    reason: str
    site: str
    count: int


@dataclass(frozen=True, slots=True)
class DeadLetterDesk:
    """Handlers."""

    services: Services
    letters: DeadLetters = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "letters", DeadLetters(self.services.journal))

    async def show(self, visit: Visit) -> Response:
        """GET: the letters with their reasons."""
        return await self._page(visit, {}, 200)

    async def _page(self, visit: Visit, errors: dict[str, str], status: int) -> Response:
        site = visit.query.get("site", "")
        rows = await self.letters.find(site=site or None, before=visit.query.get("before") or None, limit=SIZE + 1)
        names = await site_names(visit)
        causes = await self._causes()
        given = {"site": site} if site else {}
        more = f"?{urlencode({**given, 'before': rows[SIZE - 1].id})}" if rows[SIZE:] else ""
        sites = tuple(Option(one, names.get(one) or one) for one in dict.fromkeys(cause.site for cause in causes))
        return visit.render(
            "administration/dead.html", status=status, rows=rows[:SIZE], causes=causes, site=site, sites=sites,
            names=names, more=more, total=sum(cause.count for cause in causes), errors=errors,
            in_site=sum(cause.count for cause in causes if cause.site == site) if site else 0,
            replayed=visit.query.get("replayed", ""), closed=visit.query.get("closed", ""),
        )  # fmt: skip

    async def _causes(self) -> Sequence[Cause]:
        steps: list[dict[str, Any]] = [
            {"$match": {"state": "dead"}},
            {"$group": {"_id": {"reason": "$reason", "site": "$site"}, "n": {"$sum": 1}}},
            {"$sort": {"n": -1, "_id": 1}},
            {"$limit": 200},
        ]
        found = await self.services.journal.collection.aggregate(steps)
        return [Cause(row["_id"]["reason"], row["_id"]["site"], row["n"]) async for row in found]

    async def replay(self, visit: Visit) -> Response:
        """POST: `what` is selected, site or all; `message` are the ticked ones."""
        by = visit.caller.subject
        match visit.form.get("what", ""):
            case "selected":
                chosen = [one for one in visit.values("message") if one]
                if not chosen:
                    return await self._page(visit, {"message": N_("请先勾选要重放的消息。")}, 422)
                replayed, query = await self.letters.replay(chosen, by=by), f"{len(chosen)} messages"
            case "site" if visit.form.get("site"):
                site = visit.form["site"]
                replayed, query = await self.letters.replay_dead(by=by, site=site), f"site={site}"
            case "close":
                return await self._close(visit)
            case "all":
                replayed, query = await self.letters.replay_dead(by=by), "all"
            case _:
                return await self._page(visit, {"message": N_("请选择要重放哪些消息。")}, 422)
        visit.note("operation", query=f"$replay?{query}")
        return visit.redirect(f"{BASE}/dead-letters?replayed={replayed}")

    async def _close(self, visit: Visit) -> Response:
        """The ticked ones are dealt with in another way; the reason stays with each."""
        chosen = [one for one in visit.values("message") if one]
        errors = reasons.check(visit.form, "why") | ({} if chosen else {"message": N_("请先勾选要重放的消息。")})
        if errors:
            return await self._page(visit, errors, 422)
        reasons.saying(visit, "why")
        editing = Editing(self.services.journal, self.services.directory)
        closed = await editing.close(chosen, by=visit.caller.subject, why=visit.form["why"])
        visit.note("operation", query=f"$close?{len(chosen)} messages")
        return visit.redirect(f"{BASE}/dead-letters?closed={closed}")

    async def replay_one(self, visit: Visit) -> Response:
        """POST: the message of the page, dead or done."""
        message = visit.params["message"]
        await self.letters.replay([message], by=visit.caller.subject)
        visit.note("operation", resource_type="MessageHeader", resource_id=message)
        return visit.redirect(f"{BASE}/messages/{message}")
