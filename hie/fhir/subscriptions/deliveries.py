"""
Delivery: one Subscription at a time by one worker, each of them on its own, so that a slow receiver holds up nobody.

Any number of workers may run: whoever holds the lease works. A crash repeats at most the notification under way.
https://hl7.org/fhir/R4/subscription.html#channels
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import structlog
from pymongo.errors import PyMongoError

from hie.exchange.outbox_runner import pause
from hie.fhir.subscriptions.delivering import Delivering
from hie.fhir.subscriptions.policy import PATIENCE, Patience
from hie.fhir.subscriptions.sending import Sender

_log = structlog.get_logger("hie.subscriptions")


@dataclass(slots=True)
class Deliveries:
    """The runner of one process."""

    work: Delivering
    owner: str
    patience: Patience = PATIENCE
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until told to stop; then end what is under way."""
        try:
            while not stop.is_set():
                await self._turn()
                await pause(stop, self.patience.idle)
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            await self._leave()
        finally:
            for task in self._running.values():
                task.cancel()

    async def _turn(self) -> None:
        self._running = {name: task for name, task in self._running.items() if not task.done()}
        room = self.patience.at_once - len(self._running)
        try:
            due = await self.work.registry.due(room + len(self._running)) if room > 0 else []
        except PyMongoError as error:
            _log.warning("deliveries wait", error=type(error).__name__)
            return
        for name in due[:room]:
            if name not in self._running:
                self._running[name] = asyncio.create_task(self._one(name))

    async def _one(self, subscription: str) -> None:
        """Everything that waits for one subscriber; what goes wrong here is its own trouble."""
        try:
            async with Sender.open(self.work.endpoints) as sender:
                while await self.work.step(subscription, self.owner, sender):
                    pass
        except Exception as error:
            _log.warning("delivery broke off", subscription=subscription, error=type(error).__name__)
            await self._later(subscription)

    async def _later(self, subscription: str) -> None:
        """Something of our own failed: others may try after a while, and so may we."""
        try:
            await self.work.registry.postpone(subscription, self.owner, self.patience.pause(1))
        except PyMongoError as error:
            _log.warning("lease runs out by itself", error=type(error).__name__)

    async def _leave(self) -> None:
        try:
            await self.work.registry.leave(self.owner)
        except PyMongoError as error:
            _log.warning("leases run out by themselves", error=type(error).__name__)
