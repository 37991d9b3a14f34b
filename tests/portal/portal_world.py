"""The portal with the real demo sign-in and a fake FHIR server, in one process."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from portal_fhir import FakeFhir
from portal_record import looks, record

from hie.access.demo_sign_in.app import create as create_sign_in
from hie.settings import Settings as HieSettings
from portal.app import create
from portal.settings import Settings

PORTAL, SIGN_IN, FHIR = "http://127.0.0.1:8081", "http://127.0.0.1:8082", "http://127.0.0.1:8080"


@dataclass
class Clock:
    """Real time, moved on by hand."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class World:
    """One portal, one browser."""

    browser: httpx.AsyncClient
    issuer: httpx.AsyncClient
    fhir: FakeFhir
    clock: Clock
    settings: Settings

    async def get(self, path: str, status: int = 200) -> str:
        """A page."""
        answer = await self.browser.get(path)
        assert answer.status_code == status, (path, answer.status_code, answer.headers.get("location"))
        return answer.text

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """A form, with the token of the home page."""
        return await self.browser.post(path, data={"csrf": await self.token(), **fields})

    async def token(self) -> str:
        """The form token of this session."""
        found = re.search(r'name="csrf" value="([^"]+)"', await self.get("/help"))
        assert found
        return found[1]

    async def sign_in(self, account: str = "resident", back: str = "") -> httpx.Response:
        """To the issuer, one press of a button, and back; the answer of the callback."""
        started = await self.browser.get("/sign-in", params={"back": back} if back else {})
        return await self.browser.get(relative(await self.authorized(started.headers["location"], account)))

    async def authorized(self, address: str, account: str = "resident") -> str:
        """Where the issuer sends the browser back to."""
        page = await self.issuer.get(relative(address))
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        action = re.search(r'action="([^"]*authenticate[^"]*)"', page.text)
        assert action
        form = {name: unescape(value) for name, value in fields.items() if name == "request"}
        answer = await self.issuer.post(unescape(action[1]), data={**form, "account": account})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]


def relative(address: str) -> str:
    """An address without its origin."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def words(html: str) -> str:
    """What is on the page, as text."""
    body = html.partition("<main")[2].partition(">")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body))).strip()


@asynccontextmanager
async def world(
    folder: Path, mongo_uri: str, prefix: str, resources: Iterable[dict[str, Any]] | None = None, **changes: Any
) -> AsyncIterator[World]:
    """Everything, wired through ASGI."""
    fhir, clock = FakeFhir(record() + looks() if resources is None else resources), Clock()
    issuer = httpx.ASGITransport(create_sign_in(HieSettings(data_dir=folder)))
    neighbours = httpx.AsyncClient(
        mounts={f"{FHIR}/": httpx.ASGITransport(fhir.application()), f"{SIGN_IN}/": issuer}, trust_env=False
    )
    settings = Settings(mongo_uri=mongo_uri, database_prefix=prefix, **changes)
    app = create(settings, http=neighbours, clock=clock)
    browser = httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=changes.get("portal_url", PORTAL)
    )
    async with (
        app.router.lifespan_context(app),
        neighbours,
        httpx.AsyncClient(transport=issuer, base_url=SIGN_IN) as visitor,
        browser,
    ):
        yield World(browser, visitor, fhir, clock, settings)
