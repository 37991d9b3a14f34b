"""
Which types somebody listens to: a write of any other type costs no event.

Every process follows the registry. A Subscription becomes active only when each process surely knows of it, and a
process that has not looked for a while holds every type to be wanted.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog
from pymongo.errors import PyMongoError

from hie.access.caller import Caller
from hie.fhir.subscriptions.registry import Registry
from records.background import following

LOOK_SECONDS, TRUST_SECONDS = 0.5, 1.5
ACCOUNTS_SECONDS = 10.0
_log = structlog.get_logger("hie.subscriptions")
Account = tuple[str, str]


class Interest:
    """A container of type names for the outbox; `*` is in it while nothing is known."""

    def __init__(self, registry: Registry, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._monotonic = monotonic
        self._types: frozenset[str] = frozenset()
        self._known_at = self._accounts_at = float("-inf")
        self._accounts: Mapping[Account, tuple[str, str]] = {}
        self._changed: dict[Account, Caller] = {}

    def __contains__(self, name: object) -> bool:
        if self._monotonic() - self._known_at > TRUST_SECONDS:
            return True
        return name in self._types

    def saw(self, caller: Caller) -> None:
        """An account showed a new token: what it says of role and organization holds for its Subscriptions, too."""
        account = caller.subject, caller.client
        known = self._accounts.get(account)
        if known is not None and known != (caller.role, caller.organization):
            self._changed[account] = caller

    async def look(self) -> None:
        """Learn what is wanted now, and write down whose role has changed."""
        began = self._monotonic()
        self._types = frozenset(await self._registry.entries.distinct("types", {"state": {"$nin": ["off", "deleted"]}}))
        self._known_at = began
        await self._write_down()
        if began - self._accounts_at > ACCOUNTS_SECONDS:
            await self.learn_accounts()
            self._accounts_at = began

    def following(self) -> AbstractAsyncContextManager[None]:
        """Look now, and again and again in the background."""
        return following(self.look, LOOK_SECONDS, _missed)

    async def learn_accounts(self) -> None:
        """Learn whose Subscriptions there are, and what is known of these accounts."""
        self._accounts = {
            (kept["subject"], kept["client"]): (kept["role"], kept["organization"]) async for kept in self._owners()
        }

    async def _owners(self) -> AsyncIterator[Mapping[str, Any]]:
        async for found in self._registry.entries.find({"state": {"$ne": "deleted"}}, {"caller": 1}):
            yield found["caller"]

    async def _write_down(self) -> None:
        changed, self._changed = self._changed, {}
        for (subject, client), caller in changed.items():
            new = {
                "caller.role": caller.role, "caller.organization": caller.organization,
                "caller.organization_name": caller.organization_name,
            }  # fmt: skip
            asked = {"caller.subject": subject, "caller.client": client}
            await self._registry.entries.update_many(asked, {"$set": new})


def _missed(error: PyMongoError) -> None:
    _log.warning("interest unknown", error=type(error).__name__)
