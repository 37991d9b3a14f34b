"""
From one change to the queues of the receivers that it is for: the consumer of the outbox.

Which message it becomes is decided here; what of it may be shown is decided when it is sent.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from hie.errors import HieError
from hie.exchange.outbox import Event
from hie.feeds.kinds import Kind, kind_of, links_of
from hie.feeds.origins import Origins, is_own
from hie.feeds.registry import Feed, Feeds
from hie.fhir.subscriptions.matching import Matcher
from hie.identity.registry import ClientRegistry
from records.errors import Gone, NotFound, RecordError
from records.resource_store import ResourceStore
from records.stored import Json, Visibility

NAME = "hl7v2-feeds"
_log = structlog.get_logger("hie.feeds")


@dataclass(frozen=True, slots=True)
class Change:
    """One change as it is judged: the version, the one before it, whose it is, and who said it."""

    event: Event
    current: Json
    previous: Json | None
    patients: tuple[str, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class FeedFanOut:
    """Queues a message for each feed that wants one."""

    feeds: Feeds
    store: ResourceStore
    registry: ClientRegistry
    matcher: Matcher
    origins: Origins

    async def __call__(self, event: Event) -> None:
        """One change; repeating it queues nothing twice."""
        listening = [feed async for feed in self.feeds.listening(event.type) if event.at >= feed.begins]
        change = await self._change(event) if listening else None
        if change is None:
            return
        keys = await self._keys(change)
        for feed in listening:
            kind = kind_of(change.current, change.previous, feed.profile.wants)
            if kind is not None:
                await self._offer(feed, change, kind, keys)

    async def _change(self, event: Event) -> Change | None:
        """None for what is deleted: HL7 v2 has no word for it that receivers act upon."""
        current = await self._version(event, event.version)
        if current is None or event.interaction == "delete":
            return None
        previous = await self._version(event, event.version - 1) if event.version > 1 else None
        return Change(event, current, previous, _patients(event, current), await self.origins.of(current))

    async def _version(self, event: Event, version: int) -> Json | None:
        try:
            return (await self.store.vread(event.type, event.resource_id, version)).resource()
        except (NotFound, Gone):
            return None

    async def _offer(self, feed: Feed, change: Change, kind: Kind, keys: list[str]) -> None:
        # Whoever made a link hears of it all the same: it is about numbers of others.
        if change.event.type != "Person" and is_own(change.origin, feed.profile.own):
            await self.feeds.count(feed.name, "echo")
            return
        try:
            concerns = await self._concerns(feed, change)
        except (HieError, RecordError) as error:
            _log.warning("event not judged", feed=feed.name, error=type(error).__name__)
            await self.feeds.count(feed.name, "unjudged")
            return
        if concerns:
            await self.feeds.queue(feed, change.event, kind, keys)
        else:
            await self.feeds.count(feed.name, "filtered")

    async def _concerns(self, feed: Feed, change: Change) -> bool:
        if feed.profile.known and not await self._is_known(feed.profile.known, change.patients):
            return False
        for kind, params in feed.profile.filters:
            if kind == change.event.type:
                document = await self.matcher.version(kind, change.event.resource_id, change.event.version)
                if document is None or not await self.matcher.meets(kind, document, params, Visibility()):
                    return False
            elif kind == "Patient" and not await self._patient_meets(change.patients, params):
                return False
        return True

    async def _patient_meets(self, patients: tuple[str, ...], params: tuple[tuple[str, str], ...]) -> bool:
        asked = (("_id", ",".join(patients)), *params)
        return bool(patients) and bool((await self.store.search("Patient", asked)).matches)

    async def _is_known(self, system: str, patients: tuple[str, ...]) -> bool:
        """Whether the receiver has a number for one of these humans."""
        links = await self.registry.links.of_patients(patients)
        siblings = await self.registry.links.of_persons({link.person for link in links.values()})
        return any(number.startswith(f"{system}|") for link in siblings for number in link.identifiers)

    async def _keys(self, change: Change) -> list[str]:
        """Whose order the message keeps: the humans as they are linked now, and as they were before a merge."""
        links = await self.registry.links.of_patients(change.patients)
        keys = {links[one].person if one in links else one for one in change.patients}
        if change.event.type == "Person":
            keys.add(change.event.resource_id)
        if change.event.type == "Person" or change.current.get("active") is False:
            for one in change.patients:
                keys |= {str(move["from"]) for move in (await self.registry.persons.moves(one))[:1]}
        return sorted(keys) or [change.event.reference]


def _patients(event: Event, current: Json) -> tuple[str, ...]:
    if event.type == "Person":
        references = links_of(current)
    elif event.type == "Patient":
        merged = [link["other"].get("reference", "") for link in current.get("link", ()) if "other" in link]
        references = frozenset({event.reference, *(merged if current.get("active") is False else ())})
    else:
        return event.patients
    return tuple(sorted(one.removeprefix("Patient/") for one in references if one.startswith("Patient/")))
