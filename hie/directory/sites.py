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
from hie.directory.answers import Answers
from hie.directory.profile import Profile
from hie.directory.profiles import SiteProfiles, merged, written
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
        self._provisional, self.profiles = database["provisional_sites"], SiteProfiles(client, prefix, clock=clock)
        self._store, self._settings, self._clock = store, settings, clock
        self._known: dict[str, Site] = {}
        self._profiled: dict[str, tuple[Profile, int]] = {}
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
        return self._unregistered(sender)

    async def answers_for(self, sender: str) -> Answers | None:
        """Where a sender hears what became of its messages; None where its profile does not say."""
        if time.monotonic() - self._read_at > CACHE_SECONDS:
            await self.refresh()
        profile, _ = self._profiled.get(sender, (None, 0))
        return profile.answers if profile else None

    def says_charset(self, sender: str) -> bool:
        """Whether the profile of a sender names its character set."""
        profile, _ = self._profiled.get(sender, (None, 0))
        return profile is not None and bool(profile.charset)

    def _unregistered(self, sender: str) -> Site:
        site = provisional(sender, charset=self._settings.default_charset, zone=self._settings.default_zone)
        if sender not in self._profiled:
            return site
        profile, version = self._profiled[sender]
        return profile.applied(site, version=version)

    async def registered(self) -> Mapping[str, Site]:
        """The profile of every registered sender."""
        await self.refresh()
        return dict(self._known)

    async def known(self) -> Mapping[str, Site]:
        """The same, and the provisional profile of every sender that has one of its own before it is registered."""
        await self.refresh()
        return {sender: self._unregistered(sender) for sender in self._profiled} | self._known

    async def refresh(self) -> None:
        """Read the registry now."""
        profiled = dict(await self.profiles.all())
        known: dict[str, Site] = {}
        async for stored in self._store.iterate("Organization", [("identifier", f"{SENDER}|")]):
            organization = stored.resource()
            for sender in senders_of(organization):
                known[sender] = self._site(sender, organization, *profiled.get(sender, (Profile(), 0)))
        self._known, self._profiled, self._read_at = known, profiled, time.monotonic()

    def _site(self, sender: str, organization: Json, profile: Profile, version: int) -> Site:
        settings = self._settings
        return registered(
            sender, organization, profile, charset=settings.default_charset, zone=settings.default_zone,
            version=version,
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
        said = {
            "authority": authority, "charset": charset, "zone": zone, "authorities": dict(authorities or {}),
            "code_maps": [dict(row) for row in code_maps], "snapshot": snapshot, "visit_by": list(visit_by),
        }  # fmt: skip
        before = await self.profiles.current(sender)
        text = merged(before.text, sender, said) if before else written(sender, said)
        await self.profiles.load(text, by=by, reason="registration", sender=sender)
        if known is None:
            await self._add_sender(organization, sender, by)
        await self.refresh()
        return self._known[sender]

    async def register(self, sender: str, organization: str, *, by: str) -> Site:
        """Register a sender whose profile is loaded already. Raises NotFound, or Unprocessable as `onboard` does."""
        return await self.onboard(sender, organization, by=by)

    async def _add_sender(self, organization: str, sender: str, by: str) -> None:
        stored = await self._store.read("Organization", organization)
        resource = stored.resource()
        resource["identifier"] = [*resource.get("identifier", ()), {"system": SENDER, "value": sender}]
        write = Write(
            "update", "Organization", organization, resource=resource, if_version=stored.version,
            source=f"urn:hie:onboarding#{by}",
        )  # fmt: skip
        await self._store.apply([write])
