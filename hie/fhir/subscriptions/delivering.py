"""
One step of one Subscription: what has to be done next, done, and noted before anything else is.

http://hl7.org/fhir/uv/subscriptions-backport/workflow.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from hie.access.caller import Caller
from hie.fhir.subscriptions.disclosing import Disclosure
from hie.fhir.subscriptions.endpoints import Endpoints
from hie.fhir.subscriptions.notices import Kind, Subject, Told, notification
from hie.fhir.subscriptions.policy import PATIENCE, Patience
from hie.fhir.subscriptions.registry import Entry, Registry, State
from hie.fhir.subscriptions.sending import DONE, LOST, Message, Outcome, Sender
from hie.fhir.subscriptions.statuses import Statuses
from hie.fhir.subscriptions.subscribers import Subscribers
from hie.fhir.subscriptions.terms import Terms
from records.errors import RecordError

Document = dict[str, Any]
AHEAD = 50
BROKEN = "The server can no longer honour the terms of this Subscription."


@dataclass(frozen=True, slots=True)
class Delivering:
    """Collaborators of a step."""

    base: str
    registry: Registry
    statuses: Statuses
    disclosure: Disclosure
    subscribers: Subscribers
    endpoints: Endpoints
    patience: Patience = PATIENCE

    async def step(self, subscription: str, owner: str, sender: Sender) -> bool:
        """Do the next thing; False where there is nothing to do now, or somebody else does it."""
        entry = await self.registry.claim(subscription, owner, self.patience.margin, self.patience.settling)
        if entry is None:
            return False
        if entry.dropped or entry.state == "deleted":
            await self.registry.clear(entry)
        if entry.state in ("deleted", "off"):
            return await self._rest(entry, owner, None)
        try:
            terms = entry.terms
        except RecordError:
            # Of another release, or of another set of topics: it is said, and stands in nobody's way.
            await self.statuses.become(entry, "error", BROKEN)
            return await self._rest(entry, owner, None)
        return await self._due(entry, terms, owner, sender)

    async def _due(self, entry: Entry, terms: Terms, owner: str, sender: Sender) -> bool:
        if terms.end is not None and entry.clock >= terms.end:
            return await self._become(entry, "off", owner)
        if entry.state == "requested":
            return await self._begin(entry, terms, owner, sender)
        if not entry.live:
            # Its handshake failed; until one succeeds it hears of nothing.
            return await self._shake_hands(entry, terms, owner, sender)
        # Numbered together, for that is a transaction; sent one after the other.
        events = await self.registry.waiting(entry.queue, 1 if entry.refusals else max(terms.most, AHEAD))
        if events:
            return await self._tell(entry, terms, events, owner, sender)
        wait = _until_heartbeat(entry, terms)
        if wait is not None and wait <= 0:
            return await self._signal(entry, terms, "heartbeat", owner, sender)
        left = [(terms.end - entry.clock).total_seconds()] if terms.end else []
        return await self._rest(entry, owner, min([*left, *([wait] if wait is not None else [])], default=None))

    async def _rest(self, entry: Entry, owner: str, seconds: float | None) -> bool:
        await self.registry.rest(entry, owner, seconds)
        return False

    # The beginning

    async def _begin(self, entry: Entry, terms: Terms, owner: str, sender: Sender) -> bool:
        if (left := (entry.settles - entry.clock).total_seconds()) > 0:
            await self.registry.pause(entry, owner, left, {})
            return False
        if terms.topic is None or terms.channel == "websocket":
            # A search of R4 has no handshake; a socket is greeted when it is bound.
            return await self._become(entry, "active", owner)
        return await self._shake_hands(entry, terms, owner, sender)

    async def _shake_hands(self, entry: Entry, terms: Terms, owner: str, sender: Sender) -> bool:
        outcome = await self._send(replace(entry, state="requested"), terms, "handshake", (), owner, sender)
        if outcome.done:
            await self.registry.change(entry, owner, {"failures": 0, "refusals": 0, "spoke": "$$NOW"})
            return await self._become(entry, "active", owner)
        return await self._failed(entry, outcome, owner, at_once=True)

    async def _signal(self, entry: Entry, terms: Terms, kind: Kind, owner: str, sender: Sender) -> bool:
        outcome = await self._send(entry, terms, kind, (), owner, sender)
        if not outcome.done:
            return await self._failed(entry, outcome, owner)
        return await self._went_well(entry, owner)

    async def _become(self, entry: Entry, state: State, owner: str) -> bool:
        if await self.statuses.become(entry, state) is None:
            # Somebody wrote it meanwhile: what was written is read a moment later.
            await self.registry.pause(entry, owner, self.patience.first, {})
            return False
        return True

    # Events

    async def _tell(self, entry: Entry, terms: Terms, events: list[Document], owner: str, sender: Sender) -> bool:
        caller = await self.subscribers.caller(entry.caller)
        shown = [(event, await self.disclosure.told(caller, terms, event)) for event in events]
        hidden = [event for event, told in shown if told.row is None and event["n"] is None]
        if hidden:
            await self.registry.forget(hidden)
        open_to = [event for event in events if event not in hidden]
        if not open_to:
            return True
        numbered = await self._number(entry, open_to, owner)
        if numbered is None:
            return False
        entry, events = numbered
        if terms.channel == "websocket":
            # The web process that holds the socket does the rest; there it is decided and recorded.
            await self.registry.settle(events, "posted")
            return await self.registry.change(entry, owner, {"failures": 0})
        size = 1 if entry.refusals else terms.most
        for at in range(0, len(events), size):
            if not await self._one(entry, terms, caller, events[at : at + size], owner, sender):
                return False
            if entry.failures or entry.refusals or entry.state != "active":
                break
        return True

    async def _one(
        self, entry: Entry, terms: Terms, caller: Caller, events: list[Document], owner: str, sender: Sender
    ) -> bool:
        """One notification: what may be shown is decided now, whatever it was when the events were numbered."""
        told = [await self.disclosure.told(caller, terms, event) for event in events]
        outcome = await self._disclose(entry, terms, caller, events, told, owner, sender)
        return await self._told(entry, events, outcome, owner)

    async def _number(self, entry: Entry, events: list[Document], owner: str) -> tuple[Entry, list[Document]] | None:
        if all(event["n"] is not None for event in events):
            return entry, events
        last = await self.statuses.store.in_transaction(
            lambda session: self.registry.number(entry, events, owner, session=session)
        )
        if last < 0 or not await self.registry.change(entry, owner, {"number": last}):
            return None
        names = [event["_id"] for event in events]
        found = await self.registry.events.find({"_id": {"$in": names}}).sort("_id", 1).to_list()
        return replace(entry, number=last), found

    async def _disclose(
        self, entry: Entry, terms: Terms, caller: Caller, events: list[Document], told: list[Told], owner: str,
        sender: Sender,
    ) -> Outcome:  # fmt: skip
        if terms.topic is None and told[0].row is None:
            # A search of R4 knows no events without content: what was withdrawn before it arrived is not told at all.
            return DONE
        if terms.content != "empty":
            fresh = [one for event, one in zip(events, told, strict=True) if not event["told"]]
            await self.disclosure.record(caller, fresh, entry.id, urlsplit(terms.endpoint).hostname or "")
            await self.registry.mark_told(events)
        outcome = await self._send(entry, terms, "event-notification", told, owner, sender)
        # Nothing in a bare signal could be refused for what it is.
        return replace(outcome, refused=False) if outcome.refused and terms.content == "empty" else outcome

    async def _told(self, entry: Entry, events: list[Document], outcome: Outcome, owner: str) -> bool:
        if outcome.done:
            expires = self.registry.clock() + self.registry.kept
            await self.registry.settle(events, "sent", expires=expires)
            return await self._went_well(entry, owner)
        if outcome.refused and entry.refusals + 1 >= self.patience.refusals and len(events) == 1:
            await self.registry.settle(events, "dead", reason=outcome.reason)
            return await self.registry.change(entry, owner, {"failures": 0, "refusals": 0, "reason": outcome.reason})
        return await self._failed(entry, outcome, owner)

    async def _send(
        self, entry: Entry, terms: Terms, kind: Kind, told: list[Told] | tuple[()], owner: str, sender: Sender
    ) -> Outcome:
        # The lease outlasts the request, and whoever has lost it sends nothing.
        seconds = terms.timeout + self.patience.margin
        if not await self.registry.extend(entry, owner, seconds):
            return LOST
        return await sender.send(terms, self._message(entry, terms, kind, told))

    def _message(self, entry: Entry, terms: Terms, kind: Kind, told: list[Told] | tuple[()]) -> Message:
        if terms.topic is None:
            return _of_r4(terms, told)
        subject = Subject(self.base, entry.id, entry.state, terms, entry.number, entry.reason)
        return Message("POST", notification(subject, kind, self.registry.clock(), told, terms.content))

    # Afterwards

    async def _went_well(self, entry: Entry, owner: str) -> bool:
        noted = {"failures": 0, "refusals": 0, "reason": "", "spoke": "$$NOW", "number": entry.number}
        if not await self.registry.change(entry, owner, noted):
            return False
        if entry.state == "error":
            await self.statuses.become(entry, "active")
        return True

    async def _failed(self, entry: Entry, outcome: Outcome, owner: str, *, at_once: bool = False) -> bool:
        if outcome is LOST:
            # It was written, or taken over, meanwhile: whoever claims it next reads what it is now.
            await self.registry.postpone(entry.id, owner, 0)
            return False
        failures = entry.failures + 1
        if (at_once or failures >= self.patience.alarm) and entry.reason != outcome.reason:
            await self.statuses.become(entry, "error", outcome.reason)
        noted = {"failures": failures, "refusals": entry.refusals + 1 if outcome.refused else 0}
        await self.registry.pause(entry, owner, self.patience.pause(failures, outcome.wait), noted)
        return False


def _of_r4(terms: Terms, told: list[Told] | tuple[()]) -> Message:
    """A bare signal, or the resource put under its own address."""
    row = told[0].row if told else None
    if row is None or terms.content == "empty":
        return Message("POST")
    return Message("PUT", row.text, f"/{row.reference}")


def _until_heartbeat(entry: Entry, terms: Terms) -> float | None:
    if not terms.heartbeat or terms.topic is None or terms.channel == "websocket":
        return None
    spoke = entry.spoke or entry.registered
    return (spoke + timedelta(seconds=terms.heartbeat) - entry.clock).total_seconds()
