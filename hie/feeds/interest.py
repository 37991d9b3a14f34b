"""
Which types some feed hears of: a write of any other type costs no event.

Every process follows the feeds; one that has not looked for a while holds every type of feeds to be wanted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import structlog
from pymongo.errors import PyMongoError

from hie.feeds.kinds import TYPES
from hie.feeds.registry import Feeds
from records.background import following

LOOK_SECONDS, TRUST_SECONDS = 1.0, 2.5
_ALL = frozenset({*TYPES, "Person"})
_log = structlog.get_logger("hie.feeds")


class FeedInterest:
    """A container of type names for the outbox."""

    def __init__(self, feeds: Feeds, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._feeds, self._monotonic = feeds, monotonic
        self._types: frozenset[str] = frozenset()
        self._known_at = float("-inf")

    def __contains__(self, name: object) -> bool:
        known = self._monotonic() - self._known_at <= TRUST_SECONDS
        return name in (self._types if known else _ALL)

    async def look(self) -> None:
        """Learn what is wanted now."""
        began = self._monotonic()
        self._types = frozenset(await self._feeds.feeds.distinct("types"))
        self._known_at = began

    def following(self) -> AbstractAsyncContextManager[None]:
        """Look now, and again and again in the background."""
        return following(self.look, LOOK_SECONDS, _missed)


def _missed(error: PyMongoError) -> None:
    _log.warning("feeds unknown", error=type(error).__name__)
