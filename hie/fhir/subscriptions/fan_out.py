"""
From one change to the queues of those who asked for it: the consumer of the outbox.

One Subscription that cannot be judged is marked and passed over; a database that is away makes the event wait.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from hie.access.gate import Gate
from hie.errors import HieError
from hie.exchange.outbox import Event
from hie.fhir.subscriptions.matching import Matcher
from hie.fhir.subscriptions.registry import Entry, Registry
from hie.fhir.subscriptions.statuses import Statuses
from hie.fhir.subscriptions.subscribers import Subscribers
from hie.fhir.subscriptions.topics import Trigger
from records.errors import RecordError
from records.stored import Visibility

NAME = "fhir-subscriptions"
_log = structlog.get_logger("hie.subscriptions")
Known = dict[tuple[Trigger, Visibility], bool]


@dataclass(frozen=True, slots=True)
class FanOut:
    """Queues an event for each Subscription that it is one for."""

    registry: Registry
    matcher: Matcher
    gate: Gate
    statuses: Statuses

    async def __call__(self, event: Event) -> None:
        """One change; repeating it queues nothing twice."""
        # Those who ask the same and see the same share one answer.
        known: Known = {}
        async for entry in self.registry.listening(event.type):
            if event.at >= entry.registered and await self._concerns(entry, event, known):
                await self.registry.queue(entry, event)

    async def _concerns(self, entry: Entry, event: Event, known: Known) -> bool:
        try:
            triggers = [one for one in entry.terms.triggers if one.resource == event.type]
            caller = await Subscribers(self.gate).caller(entry.caller)
            visibility = await self.gate.visibility(caller, event.type, "search")
            for trigger in triggers:
                if (trigger, visibility) not in known:
                    known[trigger, visibility] = await self.matcher.happens(trigger, event, visibility)
                if known[trigger, visibility]:
                    return True
        except (HieError, RecordError) as error:
            await self._say(entry, error)
        return False

    async def _say(self, entry: Entry, error: HieError | RecordError) -> None:
        """Refused: the account may no longer see this type. Else: what it asks for is no longer understood."""
        _log.warning("event not judged", subscription=entry.id, error=type(error).__name__)
        if entry.reason != error.text:
            await self.statuses.become(entry, "error", error.text)
