"""
A new version of a site's profile put in force: checked, kept, and what it resolves taken from the queue.

What messages held is offered to be replayed; the readers of a profile look again every few seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from adapters.hl7v2.site import Site
from hie.applications.administration.kept import Kept
from hie.applications.administration.monitor import BASE
from hie.applications.administration.services import Services
from hie.directory.profiles import Version, written
from hie.directory.senders import provisional
from hie.directory.sites import CACHE_SECONDS
from hie.workbench.desk import Visit
from records.errors import NotFound


@dataclass(frozen=True, slots=True)
class Resolved:
    """A version in force; `address` offers the messages that it understands now, "" where there are none."""

    version: Version
    address: str


@dataclass(frozen=True, slots=True)
class Profiles:
    """Act on profiles for one visit."""

    services: Services
    kept: Kept

    async def sites(self) -> dict[str, Site]:
        """Every sender with a profile or a registration, and those that wait for one."""
        directory, settings = self.services.directory, self.services.settings
        found = dict(await directory.known())
        for one in await directory.provisional():
            plain = provisional(one.sender, charset=settings.default_charset, zone=settings.default_zone)
            found.setdefault(one.sender, plain)
        return dict(sorted(found.items()))

    async def sender(self, site: str) -> str:
        """Whose site this is; NotFound where nobody's."""
        for sender, one in (await self.sites()).items():
            if one.id == site:
                return sender
        raise NotFound("There is no such site.")

    async def text(self, sender: str) -> str:
        """The profile in force, or an empty one."""
        found = await self.services.directory.profiles.current(sender)
        return found.text if found else written(sender, {})

    async def load(self, visit: Visit, sender: str, text: str, reason: str) -> Resolved:
        """Put it in force; raises Invalid with the lines of what is wrong."""
        directory, unmapped = self.services.directory, self.services.unmapped
        version = await directory.profiles.load(text, by=visit.caller.subject, reason=reason, sender=sender)
        site = (await directory.known())[sender]
        visit.note("update", resource_type="Organization", resource_id=site.organization or site.id)
        await unmapped.roll_up()
        parts = await unmapped.resolve(site)
        if not parts or not await unmapped.affected(site.id, parts):
            return Resolved(version, "")
        named = [{name: one.get(name, "") for name in ("kind", "location", "system", "code")} for one in parts]
        said = {"site": site.id, "parts": named, "at": version.at}
        given = await self.kept.keep(visit.session.key, "resolved", said)
        return Resolved(version, f"{BASE}/codes/resolved/{given}")

    async def affected(self, said: Mapping[str, Any]) -> int:
        """How many messages hold what was resolved."""
        return await self.services.unmapped.affected(said["site"], said["parts"])

    async def replay(self, visit: Visit, said: Mapping[str, Any]) -> int:
        """Process them again, once every reader of the profile has the new one."""
        now = self.services.clock()
        rest = said["at"] + timedelta(seconds=CACHE_SECONDS + 1) - now
        await asyncio.sleep(min(max(rest.total_seconds(), 0.0), CACHE_SECONDS + 1))
        return await self.services.unmapped.replay(said["site"], said["parts"], by=visit.caller.subject, at=now)
