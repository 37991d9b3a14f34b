"""
Which resident an account is: a binding inside the exchange, so that no ID number travels in a token.

https://openid.net/specs/openid-connect-core-1_0.html#SubjectIDTypes
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from hie.exchange.database import Client, exchange_database
from hie.exchange.ids import now


@dataclass(frozen=True, slots=True)
class Binding:
    """A sign-in subject and the identifier that names its resident; `by` made the binding."""

    subject: str
    system: str
    value: str
    by: str
    at: datetime


class Accounts:
    """Collection `accounts` of the exchange; its `_id` is the subject."""

    def __init__(self, client: Client, prefix: str, *, clock: Callable[[], datetime] = now) -> None:
        self._accounts = exchange_database(client, prefix)["accounts"]
        self._clock = clock

    async def bind(self, subject: str, system: str, value: str, by: str) -> None:
        """Bind a subject to a resident, in place of what it was bound to before."""
        bound = {"system": system, "value": value, "by": by, "at": self._clock()}
        await self._accounts.replace_one({"_id": subject}, bound, upsert=True)

    async def binding(self, subject: str) -> Binding | None:
        """The binding of a subject, or None."""
        found = await self._accounts.find_one({"_id": subject})
        return Binding(subject, found["system"], found["value"], found["by"], found["at"]) if found else None
