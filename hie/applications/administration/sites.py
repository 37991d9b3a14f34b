"""
Profiles of sites: what is in force, every version, the difference of two, and a new one tried before it goes live.

docs/hl7v2/sites.md
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from hie.applications.administration import checking, reasons
from hie.applications.administration.holding import holds_of
from hie.applications.administration.kept import Kept
from hie.applications.administration.monitor import BASE, site_names
from hie.applications.administration.profiles import Profiles
from hie.applications.administration.services import Services
from hie.directory.profile import read
from hie.directory.yaml_lines import Invalid
from hie.errors import Unprocessable
from hie.ui import N_
from hie.workbench.desk import Visit

PAGE = f"{BASE}/sites"


@dataclass(frozen=True, slots=True)
class SiteDesk:
    """Handlers."""

    services: Services
    kept: Kept

    @property
    def profiles(self) -> Profiles:
        return Profiles(self.services, self.kept)

    async def show(self, visit: Visit) -> Response:
        """GET: every sender, with the version of its profile."""
        sites = await self.profiles.sites()
        versions = {one: await self.services.directory.profiles.current(one) for one in sites}
        return visit.render(
            "administration/sites.html", sites=sites, versions=versions, holds=await holds_of(self.services)
        )  # fmt: skip

    async def one(self, visit: Visit) -> Response:
        """GET: the profile in force, or the version that is asked for."""
        return await self._page(visit, {}, 200)

    async def _page(self, visit: Visit, errors: Mapping[str, str], status: int) -> Response:
        sender = await self.profiles.sender(visit.params["site"])
        history = await self.services.directory.profiles.history(sender)
        shown = next((one for one in history if str(one.number) == visit.query.get("version")), None)
        shown = shown or await self.services.directory.profiles.current(sender)
        return visit.render(
            "administration/site.html", status=status, sender=sender, site=visit.params["site"], shown=shown,
            history=history, errors=dict(errors), names=await site_names(visit),
            held=(await holds_of(self.services)).get(visit.params["site"]), base=f"{PAGE}/{visit.params['site']}",
            done=visit.query.get("done", ""),
        )  # fmt: skip

    async def difference(self, visit: Visit) -> Response:
        """GET: two versions, line by line."""
        sender = await self.profiles.sender(visit.params["site"])
        wanted = [visit.query.get(name, "") for name in ("a", "b")]
        if not all(one.isascii() and one.isdigit() for one in wanted):
            return visit.redirect(f"{PAGE}/{visit.params['site']}")
        old, new = [await self.services.directory.profiles.version(sender, int(one)) for one in wanted]
        lines = difflib.unified_diff(old.text.splitlines(), new.text.splitlines(), lineterm="", n=3)
        return visit.render(
            "administration/difference.html", old=old, new=new, sender=sender, base=f"{PAGE}/{visit.params['site']}",
            lines=[(one[:1], one[1:]) for one in lines if not one.startswith(("---", "+++"))],
        )  # fmt: skip

    async def form(self, visit: Visit) -> Response:
        """GET: the profile as text, to be changed."""
        sender = await self.profiles.sender(visit.params["site"])
        return self._form(visit, sender, {"text": await self.profiles.text(sender)}, {}, 200)

    def _form(
        self, visit: Visit, sender: str, values: Mapping[str, str], errors: Mapping[str, str], status: int, **more: Any
    ) -> Response:
        return visit.render(
            "administration/profile.html", status=status, sender=sender, values=dict(values), errors=dict(errors),
            base=f"{PAGE}/{visit.params['site']}", **{"problems": (), "outcomes": None, "checked": 0, **more},
        )  # fmt: skip

    async def act(self, visit: Visit) -> Response:
        """POST: `what` is check (a sample of stored messages is tried) or load (in force)."""
        sender, form = await self.profiles.sender(visit.params["site"]), visit.form
        text = form.get("text", "").replace("\r\n", "\n") + "\n"
        try:
            profile = read(text)
        except Invalid as error:
            errors = {"text": N_("档案里有错误，见下面的行。")}
            return self._form(visit, sender, form, errors, 422, problems=error.problems)
        if profile.sender and profile.sender != sender:
            return self._form(visit, sender, form, {"text": N_("档案写的是另一个发送方。")}, 422)
        if form.get("what") != "load":
            known = (await self.profiles.sites())[sender]
            raws = await checking.sample(self.services, visit.params["site"])
            # Translating sixty messages twice must not hold up everybody else's pages.
            outcomes = await asyncio.to_thread(checking.tried, self.services, sender, known, profile, raws)
            return self._form(visit, sender, form, {}, 200, outcomes=outcomes, checked=len(raws))
        if errors := reasons.check(form):
            return self._form(visit, sender, form, errors, 422)
        reasons.saying(visit)
        resolved = await self.profiles.load(visit, sender, text, form["reason"])
        return visit.redirect(resolved.address or f"{PAGE}/{visit.params['site']}?done={resolved.version.number}")

    async def back(self, visit: Visit) -> Response:
        """POST: an earlier version in force again, as a new one."""
        sender, number = await self.profiles.sender(visit.params["site"]), visit.form.get("version", "")
        if errors := reasons.check(visit.form):
            return await self._page(visit, errors, 422)
        if not (number.isascii() and number.isdigit()):
            raise Unprocessable("There is no such version.")
        wanted = await self.services.directory.profiles.version(sender, int(number))
        reasons.saying(visit)
        resolved = await self.profiles.load(visit, sender, wanted.text, f"as version {number}: {visit.form['reason']}")
        return visit.redirect(resolved.address or f"{PAGE}/{visit.params['site']}?done={resolved.version.number}")

    async def hold(self, visit: Visit) -> Response:
        """POST: hold the site's messages back, or let them go."""
        holds, site = self.services.holds, visit.params["site"]
        await self.profiles.sender(site)
        if errors := reasons.check(visit.form):
            return await self._page(visit, errors, 422)
        reasons.saying(visit)
        if visit.form.get("what") == "pause":
            await holds.pause(site, by=visit.caller.subject, reason=visit.form["reason"])
            visit.note("operation", query=f"site/{site}/$pause")
        else:
            await holds.resume(site, by=visit.caller.subject)
            visit.note("operation", query=f"site/{site}/$resume")
        return visit.redirect(f"{PAGE}/{site}")
