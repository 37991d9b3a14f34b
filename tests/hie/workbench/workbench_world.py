"""The workbench without a socket: real stores, the real demo sign-in, and a browser that knows both hosts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from pymongo import AsyncMongoClient
from starlette.applications import Starlette

from hie.access.demo_sign_in.app import create
from hie.access.gate import Gate
from hie.app import Services, wire
from hie.settings import Settings
from hie.ui import static
from hie.workbench.desk import Module
from hie.workbench.routes import workbench_routes
from records.stored import Json, Stored, Write

WEB, SIGN_IN = "http://127.0.0.1:8080", "http://127.0.0.1:8082"
HOME = f"{WEB}/workbench"


@dataclass
class Clock:
    """Real time, plus what a test lets pass."""

    passed: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.passed


@dataclass
class World:
    """One exchange and whoever looks at it."""

    settings: Settings
    services: Services
    app: Starlette
    issuer: Any
    clock: Clock
    browsers: list[httpx.AsyncClient] = field(default_factory=list)

    def browser(self) -> Browser:
        """A browser with cookies of its own."""
        mounts = {WEB: httpx.ASGITransport(self.app), SIGN_IN: httpx.ASGITransport(self.issuer)}
        client = httpx.AsyncClient(mounts=mounts, trust_env=False)
        self.browsers.append(client)
        return Browser(client)

    async def signed_in(self, account: str, path: str = "/workbench") -> Browser:
        """A browser after signing in at the issuer's page."""
        browser = self.browser()
        await browser.sign_in(account, path)
        return browser

    async def file(self, *resources: Json) -> list[Stored]:
        """Store resources through the filing, as the exchange does: persons are linked."""
        writes = [Write("create", one["resourceType"], one["id"], one) for one in resources]
        return await self.services.work.file(writes, "urn:hie:test")

    async def audit(self, **query: str) -> list[Json]:
        """AuditEvents, the latest first."""
        page = await self.services.store.search("AuditEvent", [*query.items(), ("_sort", "-date"), ("_count", "200")])
        return [row.resource() for row in page.matches]


@dataclass
class Browser:
    """Follows redirects between the hosts and sends forms with what the page put into them."""

    client: httpx.AsyncClient
    page: httpx.Response = field(default_factory=lambda: httpx.Response(200))

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page, following every redirect."""
        address = path if path.startswith("http") else f"{WEB}{path}"
        self.page = await self.client.get(address, follow_redirects=True, headers=headers)
        return self.page

    async def post(
        self,
        path: str,
        data: Mapping[str, Any] | None = None,
        *,
        token: bool = True,
        follow: bool = True,
        **headers: str,
    ) -> httpx.Response:
        """Send a form of the current page, as a browser does: with its token and an Origin."""
        sent = {"csrf": self.token()} if token else {}
        given = {"origin": WEB, "referer": str(self.page.url) if self.page.is_success else WEB, **headers}
        address = path if path.startswith("http") else f"{WEB}{path}"
        page = await self.client.post(address, data={**sent, **(data or {})}, follow_redirects=follow, headers=given)
        self.page = page
        return page

    def token(self) -> str:
        """The token of the forms on the current page."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.page.text)
        return found[1] if found else ""

    async def sign_in(self, account: str, path: str = "/workbench") -> httpx.Response:
        """From a page of ours to the issuer, choose an account, and back."""
        page = await self.get(path)
        kept = re.search(r'name="request" value="([^"]+)"', page.text)
        assert kept is not None, page.text
        action = f"{SIGN_IN}/realms/zibo/login-actions/authenticate"
        data = {"request": unescape(kept[1]), "account": account}
        self.page = await self.client.post(action, data=data, follow_redirects=True)
        return self.page


@asynccontextmanager
async def world(
    client: AsyncMongoClient[dict[str, Any]],
    prefix: str,
    folder: Path,
    modules: Callable[[Services], Sequence[Module]] = lambda _: (),
) -> AsyncIterator[World]:
    """Wired by the composition root; only the way to the issuer differs."""
    clock = Clock()
    settings = Settings(data_dir=folder, database_prefix=prefix)
    issuer = create(settings)
    http = httpx.AsyncClient(transport=httpx.ASGITransport(issuer), trust_env=False)
    services = wire(settings, client, clock)
    await services.gate.aclose()
    services = replace(
        services, gate=Gate(settings, services.registry, services.store, client, http=http, clock=clock)
    )  # fmt: skip
    for part in (services.store, services.registry, services.journal, services.outbox):
        await part.ensure_indexes()
    app = Starlette(
        routes=[*static.routes(), *workbench_routes(settings, services, modules(services), http=http)]
    )  # fmt: skip
    made = World(settings, services, app, issuer, clock)
    try:
        yield made
    finally:
        for browser in made.browsers:
            await browser.aclose()
        await http.aclose()
