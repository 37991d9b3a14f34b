"""
Sites: which registered facility a sender is; what happens to one that nobody registered.

A facility is an Organization with an identifier of system urn:hie:hl7v2-sender. https://profiles.ihe.net/ITI/mCSD/
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.hl7v2.site import Site
from hie.directory.senders import SENDER, provisional, registered, senders_of
from hie.errors import Unprocessable
from hie.exchange.database import Client, exchange_database
from hie.exchange.ids import Clock, now
from hie.settings import Settings
from records.resource_store import ResourceStore
from records.stored import Json, Write

CACHE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sender that works under a provisional profile, or is kept in quarantine: `since` its first message."""

    sender: str
    site: str
    since: Any


class Directory:
    """`site_for` is asked for every message: the answer is kept for a few seconds."""

    def __init__(
        self, client: Client, prefix: str, store: ResourceStore, settings: Settings, *, clock: Clock = now
    ) -> None:
        database = exchange_database(client, prefix)
        self._provisional, self._profiles = database["provisional_sites"], database["site_profiles"]
        self._store, self._settings, self._clock = store, settings, clock
        self._known: dict[str, Site] = {}
        self._noted: set[str] = set()
        self._read_at = float("-inf")

    async def site_for(self, sender: str) -> Site | None:
        """
        The profile of `MSH-3|MSH-4`; a provisional one where unknown senders are accepted, else None.
        """
        if time.monotonic() - self._read_at > CACHE_SECONDS:
            await self.refresh()
        if sender in self._known:
            return self._known[sender]
        await self._note(sender)
        if self._settings.unknown_sender == "quarantine":
            return None
        return provisional(sender, charset=self._settings.default_charset, zone=self._settings.default_zone)

    async def registered(self) -> Mapping[str, Site]:
        """The profile of every registered sender."""
        await self.refresh()
        return dict(self._known)

    async def refresh(self) -> None:
        """Read the registry now."""
        profiles = {document["_id"]: document async for document in self._profiles.find()}
        known: dict[str, Site] = {}
        async for stored in self._store.iterate("Organization", [("identifier", f"{SENDER}|")]):
            organization = stored.resource()
            for sender in senders_of(organization):
                known[sender] = self._site(sender, organization, profiles.get(sender, {}))
        self._known, self._read_at = known, time.monotonic()

    def _site(self, sender: str, organization: Json, profile: Mapping[str, Any]) -> Site:
        settings = self._settings
        return registered(
            sender, organization, profile, charset=settings.default_charset, zone=settings.default_zone
        )  # fmt: skip

    async def _note(self, sender: str) -> None:
        """List an unknown sender for onboarding, once."""
        if sender in self._noted:
            return
        site = provisional(sender, charset="", zone="").id
        await self._provisional.update_one(
            {"_id": sender}, {"$setOnInsert": {"site": site, "since": self._clock()}}, upsert=True
        )
        self._noted.add(sender)

    async def provisional(self) -> list[Waiting]:
        """Senders that wait for onboarding, the oldest first."""
        await self.refresh()
        found = self._provisional.find().sort("since", 1)
        listed = [Waiting(document["_id"], document["site"], document["since"]) async for document in found]
        return [one for one in listed if one.sender not in self._known]

    async def onboard(
        self,
        sender: str,
        organization: str,
        *,
        by: str,
        authority: str = "",
        charset: str = "",
        zone: str = "",
        authorities: Mapping[str, str] | None = None,
        code_maps: Sequence[Mapping[str, str]] = (),
        snapshot: bool = False,
        visit_by: Sequence[str] = (),
    ) -> Site:
        """
        Register a sender as an Organization's (by id), with its profile; quarantined messages go on by themselves.

        Raises NotFound where there is no such Organization, Unprocessable where another one has this sender.
        """
        await self.refresh()
        known = self._known.get(sender)
        if known is not None and known.organization != organization:
            raise Unprocessable("Another organization is registered with this sender.")
        profile = {
            "authority": authority, "charset": charset, "zone": zone, "authorities": dict(authorities or {}),
            "code_maps": [dict(row) for row in code_maps], "snapshot": snapshot, "visit_by": list(visit_by),
            "by": by, "at": self._clock(),
        }  # fmt: skip
        await self._profiles.replace_one({"_id": sender}, profile, upsert=True)
        if known is None:
            await self._add_sender(organization, sender, by)
        await self.refresh()
        return self._known[sender]

    async def _add_sender(self, organization: str, sender: str, by: str) -> None:
        stored = await self._store.read("Organization", organization)
        resource = stored.resource()
        resource["identifier"] = [*resource.get("identifier", ()), {"system": SENDER, "value": sender}]
        write = Write(
            "update", "Organization", organization, resource=resource, if_version=stored.version,
            source=f"urn:hie:onboarding#{by}",
        )  # fmt: skip
        await self._store.apply([write])
