"""
Journal ids: 26 characters that sort by time, and in one process strictly grow.

https://github.com/ulid/spec
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# The 80 bits below the milliseconds; the top bit starts as 0, so that counting up never overflows.
RANDOM_BITS = 79

Clock = Callable[[], datetime]


def now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


def encode(value: int) -> str:
    """128 bits in Crockford's base 32."""
    return "".join(ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


class Ids:
    """Makes ids; a clock that jumps back never makes an id smaller than the one before."""

    def __init__(self, clock: Clock = now) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> str:
        """The next id."""
        milliseconds = int(self._clock().timestamp() * 1000)
        fresh = milliseconds << 80 | secrets.randbits(RANDOM_BITS)
        self._last = fresh if fresh >> 80 > self._last >> 80 else self._last + 1
        return encode(self._last)
