"""
Replaying many: messages chosen by site, type, state, time and reason; how many is said before anything happens.

A replay asserts the same facts under the same ids: what was stored is stored once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from hie.applications.administration import criteria, reasons, traffic
from hie.applications.administration.counting import id_at
from hie.applications.administration.kept import Kept
from hie.applications.administration.monitor import BASE, site_names
from hie.applications.administration.queues import MOST
from hie.applications.administration.services import Services
from hie.exchange.replaying import REPLAYABLE, Replaying, selected
from hie.ui import N_, Option
from hie.workbench.desk import Visit

PAGE = f"{BASE}/replay"
FIELDS = ("site", "type", "state", "since", "until", "cause")
AT_ONCE = 5_000
STATES = tuple(Option(state, traffic.STATE_WORDS[state]) for state in REPLAYABLE)


@dataclass(frozen=True, slots=True)
class ReplayDesk:
    """Handlers."""

    services: Services
    kept: Kept

    async def form(self, visit: Visit) -> Response:
        """GET: what to choose by."""
        values = {name: visit.query.get(name, "") for name in ("site", "type", "state")}
        return await self._page(visit, values, {}, 200, replayed=visit.query.get("replayed", ""))

    async def preview(self, visit: Visit) -> Response:
        """POST: how many, and the first of them; nothing is replayed yet."""
        asked = {name: visit.form.get(name, "") for name in FIELDS}
        if errors := check(asked):
            return await self._page(visit, asked, errors, 422)
        # Only what is there now: nobody saw what comes later.
        kept = asked | {"end": id_at(self.services.clock())}
        query = to_query(kept)
        count = await self.services.journal.collection.count_documents(query, limit=MOST, maxTimeMS=20_000)
        given = await self.kept.keep(visit.session.key, "replay", kept)
        return await self._page(visit, asked, {}, 200, count=count, given=given)

    async def act(self, visit: Visit) -> Response:
        """POST: replay what was previewed."""
        kept = await self.kept.find(visit.session.key, "replay", visit.params["replay"])
        if kept is None:
            return visit.redirect(PAGE)
        if errors := reasons.check(visit.form):
            query = to_query(kept)
            count = await self.services.journal.collection.count_documents(query, limit=MOST, maxTimeMS=20_000)
            return await self._page(visit, kept, errors, 422, count=count, given=visit.params["replay"])
        reasons.saying(visit)
        replayed = await self._replay(to_query(kept), visit.caller.subject)
        asked = "&".join(f"{name}={kept[name]}" for name in FIELDS if kept.get(name))
        visit.note("operation", query=f"$replay?{asked}")
        return visit.redirect(f"{PAGE}?replayed={replayed}")

    async def _replay(self, query: Mapping[str, Any], by: str) -> int:
        """The oldest first, some thousands at once, each in its lane of today."""
        journal, after, released = self.services.journal, "", 0
        while True:
            rest = {"$and": [dict(query), {"_id": {"$gt": after}}]}
            found = await journal.collection.find(rest, {"_id": 1}).sort("_id", 1).limit(AT_ONCE).to_list()
            if not found:
                return released
            released += await Replaying(journal).run(selected([one["_id"] for one in found]), by=by)
            after = found[-1]["_id"]

    async def _page(
        self, visit: Visit, values: Mapping[str, str], errors: Mapping[str, str], status: int, **more: Any
    ) -> Response:
        names = await site_names(visit)
        sites = sorted(filter(None, await self.services.journal.collection.distinct("site")))
        return visit.render(
            "administration/replay.html", status=status, values=dict(values), errors=dict(errors), states=STATES,
            sites=tuple(Option(one, names.get(one) or one) for one in sites), most=MOST,
            **{"count": None, "given": "", "replayed": "", **more},
        )  # fmt: skip


def check(asked: Mapping[str, str]) -> dict[str, str]:
    """A replay of everything is asked for in so many words: a site, a type or a span of time."""
    errors = criteria.check(asked)
    if not errors and not any(asked.get(name) for name in ("site", "type", "since", "cause")):
        errors["site"] = N_("请至少选择发送方、消息类型、时间或原因中的一项。")
    return errors


def to_query(asked: Mapping[str, str]) -> dict[str, Any]:
    """The query of what can be replayed."""
    query = criteria.to_query({name: value for name, value in asked.items() if name != "state"}, asked["end"])
    query["state"] = asked["state"] if asked.get("state") in REPLAYABLE else {"$in": list(REPLAYABLE)}
    # What was pruned has no words left to be read again.
    query["pruned"] = {"$exists": False}
    if cause := asked.get("cause"):
        query["reason"] = cause
    return query
