"""Health says what a load balancer may rely on."""

from __future__ import annotations

import httpx
from pymongo import AsyncMongoClient
from starlette.applications import Starlette

from hie.errors import Unavailable
from hie.exchange.database import Client
from hie.exchange.ids import now
from hie.http.health import Check, Health, database_check


async def good() -> None: ...


async def bad() -> None:
    raise Unavailable("away")


async def get(address: str, **checks: Check) -> httpx.Response:
    transport = httpx.ASGITransport(Starlette(routes=Health(checks).routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://hie") as http:
        return await http.get(address)


class TestHealth:
    async def test_live(self) -> None:
        """The process lives whatever its parts do."""
        assert (await get("/health/live", database=bad)).status_code == 200

    async def test_ready(self) -> None:
        """Ready only where every part is; the answer names the one that is not, and no address."""
        assert (await get("/health/ready", database=good)).status_code == 200
        answer = await get("/health/ready", database=good, sign_in=bad)

        assert answer.status_code == 503
        assert answer.json()["checks"] == {"database": "ok", "sign_in": "Unavailable"}


class TestDatabaseCheck:
    async def test_writes_and_reads(self, mongo: Client, database_prefix: str) -> None:
        """Each check writes anew; one process keeps one document."""
        check = database_check(mongo, database_prefix, now)
        await check()
        await check()

        assert await mongo[f"{database_prefix}_exchange"]["health"].count_documents({}) == 1

    async def test_away(self) -> None:
        """A database that does not answer makes it not ready."""
        async with AsyncMongoClient[dict[str, object]](
            "mongodb://127.0.0.1:1/", serverSelectionTimeoutMS=50
        ) as nobody:
            answer = await get("/health/ready", database=database_check(nobody, "x", now))

        assert answer.status_code == 503
