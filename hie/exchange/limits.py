"""
What one site may ask of the exchange: messages a second, connections, size; more than that waits or is refused.

Who sends too fast is slowed down and loses nothing: his next message is not read before its turn. Pure but for the
sleep. https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from adapters.errors import TooLarge
from adapters.hl7v2.site import Limits, Site
from hie.errors import Unavailable

# What one site may send at once before it is slowed down, in seconds of its rate.
BURST_SECONDS = 1.0
# Sites that were not heard of for long are forgotten when there are more than these.
MOST_SITES = 10_000


class Crowded(Unavailable):
    """The site has as many connections as it may have."""


@dataclass(slots=True)
class Bucket:
    """Whose turn it is when: a second's worth of messages may come at once, the rest in the rhythm of the rate."""

    next_at: float = 0.0

    def delay(self, rate: float, at: float) -> float:
        """Seconds until the turn of a message that came at `at`; it has its place from now on."""
        turn = max(self.next_at, at - BURST_SECONDS)
        self.next_at = turn + 1 / rate
        return max(turn - at, 0.0)


@dataclass(slots=True)
class SiteLimits:
    """The limits of every site in one process; `default` are those of sites whose profile says nothing."""

    default: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _buckets: dict[str, Bucket] = field(default_factory=dict)
    _connections: dict[str, set[int]] = field(default_factory=dict)

    def limits(self, site: Site) -> Limits:
        """What is in force for a site."""
        own, usual = site.limits, self.default
        return Limits(
            own.messages_per_second or usual.messages_per_second,
            own.connections or usual.connections,
            own.message_bytes or usual.message_bytes,
        )

    async def admit(self, site: Site, size: int, connection: int = 0) -> None:
        """Wait for the turn of a message. Raises Crowded, or TooLarge (AR)."""
        limits = self.limits(site)
        self._join(site.id, connection, limits.connections)
        if limits.message_bytes and size > limits.message_bytes:
            raise TooLarge(f"The message has {size} bytes; at most {limits.message_bytes} are taken from this site.")
        if limits.messages_per_second:
            await self._turn(site.id, limits.messages_per_second)

    async def _turn(self, site: str, rate: float) -> None:
        if site not in self._buckets and len(self._buckets) >= MOST_SITES:
            at = self.clock()
            self._buckets = {name: one for name, one in self._buckets.items() if one.next_at > at}
        delay = self._buckets.setdefault(site, Bucket()).delay(rate, self.clock())
        if delay:
            await self.sleep(delay)

    def _join(self, site: str, connection: int, most: int) -> None:
        if not connection:
            return
        joined = self._connections.setdefault(site, set())
        if most and connection not in joined and len(joined) >= most:
            raise Crowded(f"This site has {most} connections already, as many as it may have.")
        joined.add(connection)

    def left(self, connection: int) -> None:
        """A connection has ended."""
        for site in [site for site, joined in self._connections.items() if connection in joined]:
            self._connections[site].discard(connection)
            if not self._connections[site]:
                del self._connections[site]
