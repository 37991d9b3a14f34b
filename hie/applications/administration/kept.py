"""
What a member of staff asked for, kept on the server for a while: its address is an opaque id and says nothing.

https://owasp.org/www-community/vulnerabilities/Information_exposure_through_query_strings_in_url
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel

from hie.exchange.database import Client, exchange_database
from hie.exchange.ids import Clock, now

KEPT = timedelta(hours=1)


class Kept:
    """Collection `administration_kept`: one document a question, for one session only, gone after an hour."""

    def __init__(self, client: Client, prefix: str, *, clock: Clock = now) -> None:
        self._collection = exchange_database(client, prefix)["administration_kept"]
        self._clock, self._ready = clock, False

    async def keep(self, session: str, kind: str, said: Mapping[str, Any], *, name: str = "") -> str:
        """Keep it; returns the id. `name`: one of a kind, which a later one replaces."""
        if not self._ready:
            await self._collection.create_indexes([IndexModel([("expires", ASCENDING)], expireAfterSeconds=0)])
            self._ready = True
        given = name or secrets.token_urlsafe(12)
        document = {"session": session, "kind": kind, "said": dict(said), "expires": self._clock() + KEPT}
        await self._collection.replace_one({"_id": f"{session}/{kind}/{given}"}, document, upsert=True)
        return given

    async def find(self, session: str, kind: str, given: str) -> dict[str, Any] | None:
        """What this session keeps under the id; None where it has gone, or is another's."""
        found = await self._collection.find_one({"_id": f"{session}/{kind}/{given}"})
        return dict(found["said"]) if found and found["expires"] > self._clock() else None
