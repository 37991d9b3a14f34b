"""
The demo sign-in as an application, at Keycloak's addresses; python-keycloak works against it unmodified.

https://openid.net/specs/openid-connect-core-1_0.html, https://www.keycloak.org/securing-apps/oidc-layers
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from hie.access.demo_sign_in.accounts import accounts, authenticate
from hie.access.demo_sign_in.clients import Client, clients
from hie.access.demo_sign_in.discovery import configuration, public_keys, realm
from hie.access.demo_sign_in.issuing import Issuer, Session
from hie.access.demo_sign_in.keys import load_key
from hie.access.demo_sign_in.pages import Pages
from hie.access.demo_sign_in.requests import BadRequest, Codes, check, client_of
from hie.access.demo_sign_in.tokens import TokenEndpoint
from hie.errors import Unavailable
from hie.settings import Settings

REALM = "/realms/zibo"
CONNECT = f"{REALM}/protocol/openid-connect"
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class SignIn:
    """The endpoints; each takes a request and answers it."""

    def __init__(self, settings: Settings) -> None:
        self.issuer = Issuer(settings.issuer_url, settings.audience, load_key(settings.data_dir / "keys/sign-in.pem"))
        self.clients = clients(settings)
        self.codes = Codes()
        self.tokens = TokenEndpoint(self.issuer, self.codes, self.clients)
        self.pages = Pages(f"{CONNECT}/auth", f"{REALM}/login-actions/authenticate", f"{REALM}/static/sign-in.css")

    async def realm(self) -> Response:
        return JSONResponse(realm(self.issuer))

    async def configuration(self) -> Response:
        return JSONResponse(configuration(self.issuer))

    async def certs(self) -> Response:
        return JSONResponse(public_keys(self.issuer))

    async def authorize(self, request: Request) -> Response:
        """Show the sign-in page, or say to the client what is wrong with its request."""
        parameters = await _parameters(request)
        try:
            client = client_of(parameters, self.clients)
        except BadRequest as error:
            # Nothing is sent to an address that is not the client's.
            return self.pages.refused(error, parameters.get("ui_locales", ""))
        return self._ask(parameters, client)

    def _ask(self, parameters: Mapping[str, str], client: Client) -> Response:
        try:
            asked = check(parameters, client)
            if parameters.get("prompt") == "none":
                raise BadRequest("login_required", "Nobody is signed in.")
        except BadRequest as error:
            fields = {"error": error.error, "error_description": error.text, "iss": self.issuer.issuer}
            if parameters.get("state"):
                fields["state"] = parameters["state"]
            return _redirect(parameters["redirect_uri"], fields)
        return self.pages.ask(asked, parameters)

    async def authenticate(self, request: Request) -> Response:
        """Take a name and password, or the button of a demo account; lead back with a code."""
        form = await _parameters(request)
        parameters = self.pages.kept(form.get("request", ""))
        if parameters is None:
            return self.pages.refused(BadRequest("expired_code", "The sign-in page has expired."), "")
        asked = check(parameters, client_of(parameters, self.clients))
        chosen = accounts().get(form.get("account", ""))
        account = chosen or authenticate(form.get("username", "").strip(), form.get("password", ""))
        if account is None:
            return self.pages.ask(asked, parameters, wrong=True)
        session = Session(account, asked.client.id, asked.scope, asked.nonce)
        code = self.codes.make(asked, session)
        back = asked.back(code=code, session_state=session.id, iss=self.issuer.issuer)
        return RedirectResponse(back, 303, headers=NO_STORE)

    async def token(self, request: Request) -> Response:
        """The token endpoint."""
        try:
            answer = self.tokens.answer(await _parameters(request), request.headers.get("authorization"))
        except BadRequest as error:
            return _error(error)
        return JSONResponse(answer, headers=NO_STORE)

    async def userinfo(self, request: Request) -> Response:
        """Who the bearer of an access token is."""
        token = (request.headers.get("authorization") or "").removeprefix("Bearer ")
        claims = self.issuer.read(token, "Bearer")
        if claims is None:
            headers = {"WWW-Authenticate": 'Bearer realm="zibo", error="invalid_token"'}
            problem = {"error": "invalid_token", "error_description": "Token verification failed"}
            return JSONResponse(problem, 401, headers=headers)
        shown = ("sub", "name", "preferred_username", "organization", "organization_name")
        return JSONResponse({name: claims[name] for name in shown if name in claims}, headers=NO_STORE)

    async def introspect(self, request: Request) -> Response:
        """RFC 7662, for confidential clients."""
        form = await _parameters(request)
        try:
            if not self.tokens.client(form, request.headers.get("authorization")).secret:
                raise BadRequest("invalid_request", "Client not allowed", 403)
        except BadRequest as error:
            return _error(error)
        claims = self.issuer.read(form.get("token", ""), "Bearer")
        return JSONResponse({**(claims or {}), "active": claims is not None}, headers=NO_STORE)

    async def logout(self, request: Request) -> Response:
        """End a session: by refresh token (204), or by a browser that is led back to the client."""
        parameters = await _parameters(request)
        if "refresh_token" in parameters:
            return self._end(parameters, request.headers.get("authorization"))
        claims = self.issuer.read(parameters.get("id_token_hint", ""), "ID") or {}
        if claims:
            self.issuer.end(str(claims["sid"]))
        client = self.clients.get(str(claims.get("azp") or parameters.get("client_id", "")))
        address = parameters.get("post_logout_redirect_uri", "")
        if client is not None and address and client.may_return_to(address):
            state = {"state": parameters["state"]} if parameters.get("state") else {}
            return _redirect(address, state)
        return self.pages.signed_out(parameters.get("ui_locales", ""))

    def _end(self, parameters: Mapping[str, str], authorization: str | None) -> Response:
        try:
            self.tokens.client(parameters, authorization)
        except BadRequest as error:
            return _error(error)
        claims = self.issuer.read(parameters["refresh_token"], "Refresh")
        if claims is None:
            return _error(BadRequest("invalid_grant", "Invalid refresh token"))
        self.issuer.end(str(claims["sid"]))
        return Response(status_code=204)

    async def style(self) -> Response:
        return self.pages.style()

    async def live(self) -> Response:
        return JSONResponse({"status": "live"})


def create(settings: Settings) -> FastAPI:
    """The application; Unavailable in production, where a real identity provider is set."""
    if settings.mode == "production":
        raise Unavailable("The demo sign-in does not start in production; set HIE_ISSUER to your Keycloak.")
    sign_in = SignIn(settings)
    app = FastAPI(title="Demo sign-in", openapi_url=None, docs_url=None, redoc_url=None)
    routes: tuple[tuple[str, list[str], Any], ...] = (
        ("/health/live", ["GET"], sign_in.live),
        (REALM, ["GET"], sign_in.realm),
        (f"{REALM}/.well-known/openid-configuration", ["GET"], sign_in.configuration),
        (f"{CONNECT}/certs", ["GET"], sign_in.certs),
        (f"{CONNECT}/auth", ["GET", "POST"], sign_in.authorize),
        (f"{REALM}/login-actions/authenticate", ["POST"], sign_in.authenticate),
        (f"{CONNECT}/token", ["POST"], sign_in.token),
        (f"{CONNECT}/token/introspect", ["POST"], sign_in.introspect),
        (f"{CONNECT}/userinfo", ["GET", "POST"], sign_in.userinfo),
        (f"{CONNECT}/logout", ["GET", "POST"], sign_in.logout),
        (f"{REALM}/static/sign-in.css", ["GET"], sign_in.style),
    )
    for path, methods, endpoint in routes:
        app.add_api_route(path, endpoint, methods=methods, response_model=None)
    return app


async def _parameters(request: Request) -> Mapping[str, str]:
    found = dict(request.query_params)
    if request.method == "POST":
        form = await request.form(max_files=0, max_fields=50)
        found |= {name: value for name, value in form.items() if isinstance(value, str)}
    return found


def _redirect(address: str, fields: Mapping[str, str]) -> Response:
    joint = "&" if "?" in address else "?"
    target = f"{address}{joint}{urlencode(fields)}" if fields else address
    return RedirectResponse(target, 303, headers=NO_STORE)


def _error(error: BadRequest) -> Response:
    headers = NO_STORE | ({"WWW-Authenticate": 'Basic realm="zibo"'} if error.status == 401 else {})
    return JSONResponse({"error": error.error, "error_description": error.text}, error.status, headers=headers)
