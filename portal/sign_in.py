"""
Signing in and out: to the issuer and back, and the end of a session wherever it is ended.

https://openid.net/specs/openid-connect-core-1_0.html, https://openid.net/specs/openid-connect-backchannel-1_0.html
"""

from __future__ import annotations

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from hie.ui import N_, forms, preferences
from hie.ui.i18n import language_of
from portal.errors import SignedOut, SignInFailed, Unavailable
from portal.sessions import Session
from portal.site import FORGET, NO_STORE, Site

BROKEN = N_("登录没有完成：登录页面打开得太久，或者是从别的窗口打开的。请重新登录。")
_log = structlog.get_logger("portal")


def routes(site: Site) -> list[Route]:
    """The addresses around a session."""
    pages = SignInPages(site)
    return [
        Route("/sign-in", pages.start, methods=["GET"]),
        Route("/callback", pages.callback, methods=["GET"]),
        Route("/stay", pages.stay, methods=["POST"]),
        Route("/sign-out", pages.sign_out, methods=["POST"]),
        Route("/signed-out", pages.signed_out, methods=["GET"]),
        Route("/back-channel-logout", pages.back_channel, methods=["POST"]),
    ]


class SignInPages:
    """The endpoints."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def start(self, request: Request) -> Response:
        """To the issuer; `back` is where the visitor wanted to go."""
        back = preferences.local(request.query_params.get("back", "/"))
        try:
            sign_in, address = await self._site.openid.begin(back, language_of(request.cookies.items()))
        except Unavailable:
            return self._site.pages.problem(request, 503)
        response = RedirectResponse(address, 303, NO_STORE)
        self._site.pending.set(response, await self._site.sessions.begin(sign_in))
        return response

    async def callback(self, request: Request) -> Response:
        """Back from the issuer, with a code or an error."""
        sign_in = await self._site.sessions.take(self._site.pending.read(request))
        if sign_in is None:
            return self._failed(request)
        try:
            tokens = await self._site.openid.finish(sign_in, dict(request.query_params))
        except SignInFailed:
            _log.warning("sign-in failed")
            return self._failed(request)
        except Unavailable:
            return self._site.pages.problem(request, 503)
        await self._site.sessions.end(self._site.cookie.read(request))
        session = await self._site.sessions.open(tokens)
        response = RedirectResponse(sign_in.back, 303, NO_STORE)
        self._site.cookie.set(response, session.value)
        self._site.pending.drop(response)
        return response

    async def stay(self, request: Request) -> Response:
        """Somebody is still there: looking at the session is what keeps it."""
        session = await self._session(request)
        if session is None:
            return Response(status_code=401, headers=NO_STORE)
        await forms.read(request, session.csrf, origin=self._site.settings.own_url)
        return Response(status_code=204, headers=NO_STORE)

    async def sign_out(self, request: Request) -> Response:
        """End the session here and at the issuer; the browser goes there too, and comes back."""
        session = await self._site.sessions.find(self._site.cookie.read(request))
        if session is None:
            return self._left("/signed-out")
        request.state.session = session
        await forms.read(request, session.csrf, origin=self._site.settings.own_url)
        await self._site.sessions.end(session.value)
        await self._site.openid.end(session.tokens)
        return self._left(self._site.openid.leave(session.tokens, language_of(request.cookies.items())))

    async def signed_out(self, request: Request) -> Response:
        """The end."""
        return self._site.pages.render(request, "portal/signed_out.html")

    async def back_channel(self, request: Request) -> Response:
        """The issuer says that a session ended elsewhere."""
        form = await forms.read_unchecked(request)
        try:
            claims = await self._site.openid.ended(form.get("logout_token", ""))
        except SignInFailed:
            return JSONResponse({"error": "invalid_request"}, 400, headers=NO_STORE)
        except Unavailable:
            return Response(status_code=503, headers=NO_STORE)
        await self._site.sessions.end_of(session=str(claims.get("sid") or ""), subject=str(claims.get("sub") or ""))
        return Response(status_code=200, headers=NO_STORE)

    async def _session(self, request: Request) -> Session | None:
        try:
            return await self._site.session(request)
        except SignedOut:
            return None

    def _failed(self, request: Request) -> Response:
        response = self._site.pages.problem(request, 400, text=BROKEN)
        self._site.pending.drop(response)
        return response

    def _left(self, address: str) -> Response:
        response = RedirectResponse(address, 303, NO_STORE)
        self._site.cookie.drop(response)
        response.headers["Clear-Site-Data"] = FORGET
        return response
