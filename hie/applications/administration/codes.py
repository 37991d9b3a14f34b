"""
The queue of what was kept but not understood: local codes, Z segments, fields nobody maps, most frequent first.

A code is mapped to one of a shared system: a new version of the site's profile, and the replay of its messages offered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from hie.applications.administration import concepts, reasons, tables
from hie.applications.administration.kept import Kept
from hie.applications.administration.mapping import Mapped, table_of, with_codes
from hie.applications.administration.monitor import BASE, site_names
from hie.applications.administration.profiles import Profiles
from hie.applications.administration.services import Services
from hie.ui import N_, Option
from hie.workbench.desk import Visit
from records.errors import NotFound

PAGE = f"{BASE}/codes"
MOST, ALL = 200, 5_000
WRONG_LINES, NO_LINES = N_("表格里有不能使用的行，没有导入任何内容。"), N_("没有填写目标代码的行。")
KINDS = {"code": N_("代码"), "segment": N_("段"), "field": N_("字段"), "message": N_("消息类型")}


@dataclass(frozen=True, slots=True)
class CodeQueue:
    """Handlers."""

    services: Services
    kept: Kept

    @property
    def profiles(self) -> Profiles:
        return Profiles(self.services, self.kept)

    async def show(self, visit: Visit) -> Response:
        """GET: the queue, by site and kind."""
        await self.services.unmapped.roll_up()
        site, kind = visit.query.get("site", ""), visit.query.get("kind", "")
        rows: list[dict[str, Any]] = await self.services.unmapped.find(site=site or None, kind=kind or None, limit=MOST)
        names = await site_names(visit)
        sites = sorted({one["site"] for one in await self.services.unmapped.find(limit=ALL)})
        return visit.render(
            "administration/codes.html", rows=[row | {"key": key_of(row), "table": table_of(row)} for row in rows],
            names=names, site=site, kind=kind, words=KINDS, most=MOST,
            sites=tuple(Option(one, names.get(one) or one) for one in sites),
            kinds=tuple(Option(code, text) for code, text in KINDS.items()), mapped=visit.query.get("mapped", ""),
        )  # fmt: skip

    async def one(self, visit: Visit) -> Response:
        """GET: one code, and the search for what it means."""
        part = await self._part(visit)
        values = {"text": visit.query.get("text", part.get("display") or ""), "in": visit.query.get("in", "")}
        return await self._page(visit, part, values, {}, 200)

    async def _part(self, visit: Visit) -> dict[str, Any]:
        for part in await self.services.unmapped.find(kind="code", limit=ALL):
            if key_of(part) == visit.params["code"] and table_of(part):
                return part
        raise NotFound("There is no such code in the queue.")

    async def _page(
        self, visit: Visit, part: Mapping[str, Any], values: Mapping[str, str], errors: Mapping[str, str], status: int
    ) -> Response:
        terminology = self.services.terminology
        return visit.render(
            "administration/code.html", status=status, part=part, table=table_of(part), values=dict(values),
            errors=dict(errors), systems=concepts.systems(terminology), base=f"{PAGE}/{key_of(part)}",
            hits=concepts.search(terminology, values.get("text", ""), values.get("in", "")),
            names=await site_names(visit),
        )  # fmt: skip

    async def map(self, visit: Visit) -> Response:
        """POST: the code means this one; the site's profile gets a new version."""
        part, form = await self._part(visit), visit.form
        system, _, code = form.get("target", "").rpartition("|")
        display = concepts.named(self.services.terminology, system, code)
        errors = {} if display is not None else {"target": N_("请选择一个标准代码。")}
        errors |= reasons.check(form)
        if errors:
            return await self._page(visit, part, form, errors, 422)
        sender = await self.profiles.sender(str(part["site"]))
        row = Mapped(table_of(part), str(part["code"]), system, code, display or "")
        text = with_codes(await self.profiles.text(sender), [row])
        reasons.saying(visit)
        resolved = await self.profiles.load(visit, sender, text, form["reason"])
        return visit.redirect(resolved.address or f"{PAGE}?mapped=1")

    async def resolved(self, visit: Visit) -> Response:
        """GET: how many messages held what is resolved now."""
        said = await self._resolved(visit)
        return visit.render(
            "administration/resolved.html", count=await self.profiles.affected(said), found=said["parts"],
            name=(await site_names(visit)).get(said["site"]) or said["site"], replayed=visit.query.get("replayed", ""),
            base=f"{PAGE}/resolved/{visit.params['resolved']}", kinds=KINDS,
        )  # fmt: skip

    async def _resolved(self, visit: Visit) -> dict[str, Any]:
        found = await self.kept.find(visit.session.key, "resolved", visit.params["resolved"])
        if found is None:
            raise NotFound("This offer has gone.")
        return found

    async def replay(self, visit: Visit) -> Response:
        """POST: process those messages again."""
        replayed = await self.profiles.replay(visit, await self._resolved(visit))
        visit.note("operation", query="$replay?resolved")
        return visit.redirect(f"{PAGE}/resolved/{visit.params['resolved']}?replayed={replayed}")

    # As a table

    async def export(self, visit: Visit) -> Response:
        """GET: the codes of the queue as CSV."""
        site = visit.query.get("site", "")
        found = await self.services.unmapped.find(site=site or None, kind="code", limit=ALL)
        rows = [one for one in found if table_of(one)]
        visit.note("operation", query=f"codes.csv?site={site}&rows={len(rows)}")
        headers = {"Content-Disposition": 'attachment; filename="codes.csv"', "Cache-Control": "no-store",
                   "X-Content-Type-Options": "nosniff"}  # fmt: skip
        return Response(tables.written(rows), media_type="text/csv; charset=utf-8", headers=headers)

    async def form(self, visit: Visit) -> Response:
        """GET: the form for a filled table."""
        return visit.render("administration/codes_import.html", problems=(), values={}, errors={})

    async def bring(self, visit: Visit) -> Response:
        """POST: one new version a site, or none where a line is wrong."""
        table = tables.read(visit.form.get("table", ""))
        problems = [*table.problems, *await self._unknown(table)]
        errors = reasons.check(visit.form)
        if problems or not table.count:
            errors["table"] = WRONG_LINES if problems else NO_LINES
        if errors:
            return visit.render(
                "administration/codes_import.html", status=422, problems=problems, values=dict(visit.form),
                errors=errors,
            )  # fmt: skip
        reasons.saying(visit)
        address = ""
        for site, rows in table.rows.items():
            sender = await self.profiles.sender(site)
            text = with_codes(await self.profiles.text(sender), rows)
            address = (await self.profiles.load(visit, sender, text, visit.form["reason"])).address or address
        several = len(table.rows) > 1 or not address
        return visit.redirect(f"{PAGE}?mapped={table.count}" if several else address)

    async def _unknown(self, table: tables.Table) -> list[tables.Problem]:
        """Lines whose site or target does not exist."""
        sites = {one.id for one in (await self.profiles.sites()).values()}
        found = [tables.Problem(0, site) for site in table.rows if site not in sites]
        for rows in table.rows.values():
            found += [
                tables.Problem(0, f"{row.local}: {row.system} {row.code}")
                for row in rows
                if concepts.named(self.services.terminology, row.system, row.code) is None
            ]
        return found


def key_of(part: Mapping[str, Any]) -> str:
    """An opaque name of a part, for addresses."""
    said = "\x1f".join(str(part.get(name, "")) for name in ("site", "kind", "location", "system", "code"))
    return hashlib.blake2b(said.encode(), digest_size=12).hexdigest()
