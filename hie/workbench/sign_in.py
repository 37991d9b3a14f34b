"""
Signing in and out: to the issuer and back, and the end of a session wherever it is ended.

https://openid.net/specs/openid-connect-core-1_0.html, https://openid.net/specs/openid-connect-rpinitiated-1_0.html,
https://openid.net/specs/openid-connect-backchannel-1_0.html
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from urllib.parse import urlencode

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from hie.access.caller import ANONYMOUS, Caller
from hie.audit.events import Entry
from hie.audit.trail import AuditTrail
from hie.errors import HieError, Unauthenticated, Unavailable
from hie.ui import N_, Pages, forms, preferences
from hie.ui.i18n import language_of
from hie.workbench.auditing import Circumstances
from hie.workbench.cookies import Cookie
from hie.workbench.identity import Identity
from hie.workbench.oidc import OpenId
from hie.workbench.roles import STAFF
from hie.workbench.sessions import Session, Sessions

HOME = "/workbench"
NO_STORE = {"Cache-Control": "no-store"}
# What the browser may have kept of pages; its preferences (cookies) stay.
FORGET = '"cache", "storage"'
BROKEN = N_("登录没有完成：登录页面打开得太久，或者是从别的窗口打开的。请重新登录。")
NO_ROLE = N_("这个账户没有医务或管理角色，不能使用工作台。居民请使用健康门户。")
_log = structlog.get_logger("hie.workbench")


@dataclass(frozen=True, slots=True)
class SignInPages:
    """The addresses around a session."""

    pages: Pages
    sessions: Sessions
    openid: OpenId
    identity: Identity
    audit: AuditTrail
    cookie: Cookie
    pending: Cookie
    origin: str
    end_session: str

    def routes(self) -> list[Route]:
        """All under /workbench."""
        return [
            Route(f"{HOME}/sign-in", self.start, methods=["GET"]),
            Route(f"{HOME}/callback", self.callback, methods=["GET"]),
            Route(f"{HOME}/sign-out", self.sign_out, methods=["POST"]),
            Route(f"{HOME}/signed-out", self.signed_out, methods=["GET"]),
            Route(f"{HOME}/stay", self.stay, methods=["GET", "POST"]),
            Route(f"{HOME}/back-channel-logout", self.back_channel, methods=["POST"]),
        ]

    async def start(self, request: Request) -> Response:
        """To the issuer; `back` is where the visitor wanted to go."""
        back = preferences.local(request.query_params.get("back", HOME))
        back = back if back.startswith(HOME) else HOME
        try:
            sign_in, address = await self.openid.begin(back, language_of(request.cookies.items()))
        except Unavailable:
            return self.pages.problem(request, 503)
        response = RedirectResponse(address, 303, NO_STORE)
        self.pending.set(response, await self.sessions.begin(sign_in))
        return response

    async def callback(self, request: Request) -> Response:
        """Back from the issuer, with a code or an error."""
        sign_in = await self.sessions.take(self.pending.read(request))
        if sign_in is None:
            return self._failed(request, 400)
        try:
            tokens = await self.openid.finish(sign_in, dict(request.query_params))
            caller = await self.identity.caller(tokens)
        except Unauthenticated as error:
            _log.warning("sign-in failed", reason=error.text)
            await self._record(request, "sign-in", ANONYMOUS, 401)
            return self._failed(request, 400)
        except HieError:
            return self.pages.problem(request, 503)
        if caller.role not in STAFF:
            await self.openid.end(tokens)
            await self._record(request, "sign-in", caller, 403)
            return self._failed(request, 403, NO_ROLE)
        given, _ = await self.sessions.open(tokens)
        await self._replace(request)
        await self._record(request, "sign-in", caller, 200)
        response = RedirectResponse(sign_in.back, 303, NO_STORE)
        self.cookie.set(response, given)
        self.pending.drop(response)
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session here and at the issuer."""
        found = await self.identity.of(self.cookie.read(request))
        if found is None:
            return self._left(RedirectResponse(f"{HOME}/signed-out", 303, NO_STORE))
        session, caller = found
        try:
            await forms.read(request, session.csrf, origin=self.origin)
        except forms.Forgery:
            return self.pages.problem(request, 403)
        await self._record(request, "sign-out", caller, 200)
        return self._left(RedirectResponse(await self._end(session), 303, NO_STORE))

    async def _end(self, session: Session) -> str:
        """End it; where the issuer could not be told from here, the browser goes and tells it."""
        await self.sessions.end(session)
        if await self.openid.end(session.tokens):
            return f"{HOME}/signed-out"
        return f"{self.end_session}&{urlencode({'post_logout_redirect_uri': f'{self.origin}{HOME}/signed-out'})}"

    async def signed_out(self, request: Request) -> Response:
        """The end."""
        return self.pages.render(request, "workbench/signed_out.html")

    async def stay(self, request: Request) -> Response:
        """Somebody is still there: looking at the session is what keeps it."""
        found = await self.identity.of(self.cookie.read(request))
        return Response(status_code=204 if found else 401, headers=NO_STORE)

    async def back_channel(self, request: Request) -> Response:
        """The issuer says that a session ended elsewhere."""
        form = await forms.read_unchecked(request)
        try:
            claims = await self.openid.ended(form.get("logout_token", ""))
        except Unauthenticated as error:
            problem = {"error": "invalid_request", "error_description": error.text}
            return JSONResponse(problem, 400, headers=NO_STORE)
        except Unavailable:
            return Response(status_code=503, headers=NO_STORE)
        await self.sessions.end_of(session=str(claims.get("sid") or ""), subject=str(claims.get("sub") or ""))
        return Response(status_code=200, headers=NO_STORE)

    async def _replace(self, request: Request) -> None:
        """An older session of this browser ends with a new sign-in."""
        older = await self.sessions.find(self.cookie.read(request))
        if older is not None:
            await self.sessions.end(older)

    def _failed(self, request: Request, status: int, text: str = BROKEN) -> Response:
        response = self.pages.problem(request, status, text=text)
        self.pending.drop(response)
        return response

    def _left(self, response: Response) -> Response:
        self.cookie.drop(response)
        response.headers["Clear-Site-Data"] = FORGET
        return response

    async def _record(self, request: Request, interaction: str, caller: Caller, status: int) -> None:
        address = request.client.host if request.client else ""
        entry = Entry(interaction, caller, status=status)
        await self.audit.record(Circumstances(uuid.uuid4().hex, address).of([entry]))
