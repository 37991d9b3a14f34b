"""
One visit of one page: who it is, what the exchange shows to them, and the page that leaves.

A handler takes a `Visitor`; without a session it is not called, and the visitor sees how to sign in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import httpx
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hie.ui import N_, NavItem, Pages, Shell, forms
from hie.ui.i18n import language_of
from portal.cookies import Cookie
from portal.errors import PortalError, Refused, SignedOut, Unavailable
from portal.fhir import Fhir
from portal.oidc import OpenId
from portal.sessions import Clock, Session, Sessions
from portal.settings import Settings

NO_STORE = {"Cache-Control": "no-store"}
FORGET = '"cache", "storage"'
AHEAD = timedelta(seconds=30)
NAV = (
    NavItem("/", N_("首页")),
    NavItem("/timeline", N_("就医时间线")),
    NavItem("/results", N_("化验与检查")),
    NavItem("/medicines", N_("我的用药")),
    NavItem("/vaccinations", N_("预防接种")),
    NavItem("/record", N_("健康摘要")),
    NavItem("/access-log", N_("谁看过我的档案")),
    NavItem("/consent", N_("授权管理")),
)
Handler = Callable[["Visitor"], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")


@dataclass(frozen=True)
class Site:
    """What the portal is made of."""

    settings: Settings
    pages: Pages
    sessions: Sessions
    openid: OpenId
    http: httpx.AsyncClient
    clock: Clock
    cookie: Cookie
    pending: Cookie
    renewing: dict[str, asyncio.Lock] = field(default_factory=dict)

    def signed_in(self, handler: Handler) -> Endpoint:
        """An endpoint that only somebody who signed in gets to."""

        async def endpoint(request: Request) -> Response:
            try:
                session = await self.session(request)
                if session is None:
                    return self.landing(request, status=401)
                request.state.session = session
                return await handler(Visitor(self, request, session))
            except SignedOut:
                return await self.ended(request)
            except PortalError as error:
                return self.pages.problem(request, error.status)

        return endpoint

    async def session(self, request: Request) -> Session | None:
        """The session of this browser, with tokens that still hold; None where there is none."""
        session = await self.sessions.find(self.cookie.read(request))
        if session is None:
            return None
        if session.idle:
            await self.openid.end(session.tokens)
            await self.sessions.end(session.value)
            return None
        await self.sessions.touch(session)
        return await self._renewed(session)

    async def _renewed(self, session: Session) -> Session:
        if session.tokens.expires - self.clock() > AHEAD:
            return session
        # Two pages at once must not spend the same refresh token.
        lock = self.renewing.setdefault(session.value, asyncio.Lock())
        try:
            async with lock:
                again = await self.sessions.find(session.value)
                if again is None:
                    raise SignedOut
                if again.tokens.expires - self.clock() > AHEAD:
                    return again
                return await self.sessions.renew(again, await self.openid.refresh(again.tokens))
        finally:
            self.renewing.pop(session.value, None)

    async def ended(self, request: Request) -> Response:
        """The issuer or the exchange no longer knows this session."""
        await self.sessions.end(self.cookie.read(request))
        request.state.session = None
        response = self.landing(request, status=401)
        self.cookie.drop(response)
        response.headers["Clear-Site-Data"] = FORGET
        return response

    def landing(self, request: Request, *, status: int = 200) -> Response:
        """What the site is, and the way in."""
        back = request.url.path if request.method == "GET" and request.url.path != "/" else ""
        if back and request.url.query:
            back = f"{back}?{request.url.query}"
        return self.pages.render(request, "portal/landing.html", status=status, back=back, ended=status == 401)

    def shell(self, request: Request) -> Shell:
        """What stands around every page."""
        session: Session | None = getattr(request.state, "session", None)
        common: dict[str, Any] = {
            "help": "/help", "accessibility": "/accessibility", "phone": self.settings.portal_phone,
        }  # fmt: skip
        if session is None:
            return Shell(sign_in="/sign-in", **common)
        return Shell(
            nav=NAV, person=session.tokens.name, sign_out="/sign-out", csrf_secret=session.csrf,
            idle_seconds=self.settings.idle_seconds, stay="/stay", **common,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who signed in, at one page."""

    site: Site
    request: Request
    session: Session

    @property
    def fhir(self) -> Fhir:
        """The exchange, with this visitor's token."""
        return Fhir(self.site.http, self.site.settings.fhir_url, self.session.tokens.access)

    @property
    def subject(self) -> str:
        return self.session.tokens.subject

    @property
    def language(self) -> str:
        return language_of(self.request.cookies.items())

    def query(self, name: str) -> str:
        """A value of the address."""
        return self.request.query_params.get(name, "")

    async def form(self) -> forms.Form:
        """The form that was sent; Forgery where it is not from a page of this session."""
        return await forms.read(self.request, self.session.csrf, origin=self.site.settings.own_url)

    def render(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page."""
        return self.site.pages.render(self.request, f"portal/{template}", status=status, **context)

    def redirect(self, path: str) -> Response:
        """After a form: go on to a page."""
        return RedirectResponse(path, 303, NO_STORE)


async def together(asked: Mapping[str, Awaitable[T]]) -> tuple[dict[str, T], frozenset[str]]:
    """All at once; the names of those without an answer come apart, so that a page shows the rest and says so."""
    answers = await asyncio.gather(*asked.values(), return_exceptions=True)
    found, failed = {}, set()
    for name, answer in zip(asked, answers, strict=True):
        if isinstance(answer, Unavailable | Refused):
            failed.add(name)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            found[name] = answer
    if failed and not found:
        raise Unavailable
    return found, frozenset(failed)
