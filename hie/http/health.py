"""
Health: live is that the process answers; ready is that the database takes a write and tokens can be checked.

https://kubernetes.io/docs/reference/using-api/health-checks/
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable

from pymongo.errors import PyMongoError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hie.errors import HieError
from hie.exchange.database import Client, exchange_database
from hie.exchange.ids import Clock

HEADERS = {"Cache-Control": "no-store"}
Check = Callable[[], Awaitable[None]]


class Health:
    """`checks` by name: each raises where its part cannot be relied on."""

    def __init__(self, checks: dict[str, Check]) -> None:
        self._checks = checks

    def routes(self) -> list[Route]:
        """Both addresses."""
        return [Route("/health/live", self.live), Route("/health/ready", self.ready)]

    async def live(self, _request: Request) -> Response:
        """200 as long as the process answers."""
        return JSONResponse({"status": "live"}, headers=HEADERS)

    async def ready(self, _request: Request) -> Response:
        """200 or 503, with the state of each part."""
        found = {name: await _state(check) for name, check in self._checks.items()}
        good = all(state == "ok" for state in found.values())
        said = {"status": "ready" if good else "not ready", "checks": found}
        return JSONResponse(said, 200 if good else 503, HEADERS)


async def _state(check: Check) -> str:
    try:
        await check()
    except (PyMongoError, HieError) as error:
        return type(error).__name__
    return "ok"


def database_check(client: Client, prefix: str, clock: Clock) -> Check:
    """A write to a majority and a read of what was written; each process has a document of its own."""
    collection = exchange_database(client, prefix)["health"]
    name = f"web-{uuid.uuid4()}"

    async def check() -> None:
        beat = uuid.uuid4().hex
        await collection.update_one({"_id": name}, {"$set": {"beat": beat, "at": clock()}}, upsert=True)
        found = await collection.find_one({"_id": name})
        if found is None or found["beat"] != beat:
            raise PyMongoError("What was written was not read.")

    return check
