"""
Tokens by which a socket is bound: random, short-lived, kept as a hash only.

http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition-backport-subscription-get-ws-binding-token.html
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hie.fhir.subscriptions.registry import Entry, Registry

LIFE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token opens: Subscriptions by id and queue (one made anew under an old id is another one)."""

    subscriptions: tuple[tuple[str, str], ...]
    expires: datetime


async def issue(registry: Registry, entries: Sequence[Entry]) -> tuple[str, datetime]:
    """A new token for these Subscriptions, and when it ends."""
    token, expires = secrets.token_urlsafe(32), registry.clock() + LIFE
    opened = [{"id": one.id, "queue": one.queue} for one in entries]
    await registry.tokens.insert_one({"_id": _hash(token), "subscriptions": opened, "expires": expires})
    return token, expires


async def redeem(registry: Registry, token: str) -> Grant | None:
    """What a token opens; None where it is none of ours, or has ended."""
    found = await registry.tokens.find_one({"_id": _hash(token), "expires": {"$gt": registry.clock()}})
    if found is None:
        return None
    return Grant(tuple((one["id"], one["queue"]) for one in found["subscriptions"]), found["expires"])


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
