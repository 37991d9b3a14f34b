"""
Clockwork: what time alone changes, such as a referral that nobody answered, done now and then by any worker.

Every action must be safe to call at any moment from any process; one that fails is tried again at the next turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from hie.exchange.outbox_runner import pause

EVERY_SECONDS = 60.0
_log = structlog.get_logger("hie.clockwork")
Action = Callable[[], Awaitable[None]]


class Clockwork:
    """Calls each named action once a turn, in order."""

    def __init__(self, actions: Mapping[str, Action], *, every: float = EVERY_SECONDS) -> None:
        self._actions = actions
        self._every = every

    async def run(self, stop: asyncio.Event) -> None:
        """Turn until told to stop."""
        while not stop.is_set():
            await self.turn()
            await pause(stop, self._every)

    async def turn(self) -> None:
        """One turn; what goes wrong is logged by its kind and does not hold up the rest."""
        for name, action in self._actions.items():
            try:
                await action()
            except Exception as error:
                _log.warning("clockwork", action=name, error=type(error).__name__)
