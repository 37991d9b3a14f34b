"""
`hie account bind`: which resident an account is, once somebody has checked it.

https://openid.net/specs/openid-connect-core-1_0.html#SubjectIDTypes
"""

from __future__ import annotations

from typing import Any

from pymongo import AsyncMongoClient

from hie.access.accounts import Accounts
from hie.errors import Unprocessable
from hie.settings import Settings


async def bind(settings: Settings, subject: str, system: str, value: str, by: str) -> None:
    """Bind a subject to the resident with this identifier; Unprocessable where the value is empty."""
    if not value:
        raise Unprocessable("Give the identifier's value on standard input.")
    async with AsyncMongoClient[dict[str, Any]](settings.database_uri, tz_aware=True) as client:
        await Accounts(client, settings.database_prefix).bind(subject, system, value, by)
