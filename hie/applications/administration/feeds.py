"""
The feeds: what each receiver waits for, holding it back and letting it go, and what it refused.

docs/hl7v2/feeds.md
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import yaml
from starlette.responses import Response

from hie.applications.administration import reasons, traffic
from hie.applications.administration.monitor import BASE
from hie.applications.administration.queues import Queues
from hie.applications.administration.services import Services
from hie.feeds.registry import Feed
from hie.ui import N_
from hie.workbench.desk import Visit
from records.errors import NotFound

PAGE = f"{BASE}/feeds"
SIZE = 100


@dataclass(frozen=True, slots=True)
class FeedDesk:
    """Handlers."""

    services: Services

    async def show(self, visit: Visit) -> Response:
        """GET: every feed with its queue."""
        feeds = await Queues(self.services.journal, self.services.feeds).of_feeds()
        since = traffic.since(self.services.clock())
        return visit.render("administration/feeds.html", feeds=feeds, since=since)

    async def one(self, visit: Visit) -> Response:
        """GET: one feed: profile, queue, dead letters."""
        return await self._page(visit, await self._feed(visit), {}, 200)

    async def _feed(self, visit: Visit) -> Feed:
        found = await self.services.feeds.find(visit.params["feed"])
        if found is None:
            raise NotFound("There is no such feed.")
        return found

    async def _page(self, visit: Visit, feed: Feed, errors: dict[str, str], status: int) -> Response:
        feeds = self.services.feeds
        found: dict[str, Any] = await feeds.feeds.find_one({"_id": feed.name}) or {}
        profile = yaml.safe_dump(msgspec.json.decode(bytes(found["profile"])), allow_unicode=True, sort_keys=False)
        head = await feeds.messages.find_one({"feed": feed.name, "state": "waiting"}, sort=[("_id", 1)])
        return visit.render(
            "administration/feed.html", status=status, feed=feed, profile=profile,
            queue=await Queues(self.services.journal, feeds).of_feed(feed),
            loaded=found, head=head, dead=await feeds.dead(feed.name, SIZE), errors=errors,
            since=traffic.since(self.services.clock()), done=visit.query.get("done", ""), base=f"{PAGE}/{feed.name}",
        )  # fmt: skip

    async def hold(self, visit: Visit) -> Response:
        """POST: pause or resume, with a reason."""
        feed = await self._feed(visit)
        if errors := reasons.check(visit.form):
            return await self._page(visit, feed, errors, 422)
        reasons.saying(visit)
        paused = visit.form.get("what") == "pause"
        await self.services.feeds.pause(feed.name, paused=paused)
        visit.note("operation", query=f"feed/{feed.name}/{'$pause' if paused else '$resume'}")
        return visit.redirect(f"{PAGE}/{feed.name}")

    async def replay(self, visit: Visit) -> Response:
        """POST: send refused messages again: those ticked, or all; or set the first waiting one aside."""
        feed, feeds, what = await self._feed(visit), self.services.feeds, visit.form.get("what", "")
        chosen = [f"{feed.name}/{one}" for one in visit.values("message") if one]
        if what == "aside":
            done = int(await feeds.set_aside(feed.name, visit.form.get("event", "")))
        elif what == "all":
            done = await feeds.replay(feed.name, {"state": "dead"})
        elif chosen:
            done = await feeds.replay(feed.name, {"_id": {"$in": chosen}})
        else:
            return await self._page(visit, feed, {"message": N_("请先勾选要重放的消息。")}, 422)
        visit.note("operation", query=f"feed/{feed.name}/{'$set-aside' if what == 'aside' else '$replay'}?{done}")
        return visit.redirect(f"{PAGE}/{feed.name}?done={done}")
