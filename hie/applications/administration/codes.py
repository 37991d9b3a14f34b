"""
The queue of what was kept but not understood: local codes, Z segments, fields nobody maps, most frequent first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from hie.applications.administration.monitor import site_names
from hie.applications.administration.services import Services
from hie.ui import N_, Option
from hie.workbench.desk import Visit

MOST = 200
KINDS = {"code": N_("代码"), "segment": N_("段"), "field": N_("字段"), "message": N_("消息类型")}


@dataclass(frozen=True, slots=True)
class CodeQueue:
    """Handlers."""

    services: Services

    async def show(self, visit: Visit) -> Response:
        """GET: the queue, by site and kind."""
        await self.services.unmapped.roll_up()
        site, kind = visit.query.get("site", ""), visit.query.get("kind", "")
        rows: list[dict[str, Any]] = await self.services.unmapped.find(site=site or None, kind=kind or None, limit=MOST)
        names = await site_names(visit)
        sites = sorted({one["site"] for one in await self.services.unmapped.find(limit=5_000)})
        return visit.render(
            "administration/codes.html", rows=rows, names=names, site=site, kind=kind, words=KINDS, most=MOST,
            sites=tuple(Option(one, names.get(one) or one) for one in sites),
            kinds=tuple(Option(code, text) for code, text in KINDS.items()),
        )  # fmt: skip
