"""
The workbench as an OpenID client: code flow with PKCE, state and nonce; every token is verified before it is believed.

https://openid.net/specs/openid-connect-core-1_0.html, https://www.rfc-editor.org/rfc/rfc9700,
https://openid.net/specs/openid-connect-backchannel-1_0.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakConnectionError, KeycloakError

from hie.access.jwks import Keys
from hie.access.tokens import ALGORITHMS
from hie.errors import Unauthenticated, Unavailable
from hie.exchange.ids import Clock, now
from hie.settings import Settings
from hie.workbench.sessions import SignIn, Tokens

SCOPE = "openid user/*.cruds"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LEEWAY = 60
# Somebody who left the desk must show again who he is, though the issuer still remembers the browser.
MAX_AGE = 600


class OpenId:
    """Speaks to the issuer with python-keycloak; close it with `aclose`."""

    def __init__(self, settings: Settings, *, http: httpx.AsyncClient | None = None, clock: Clock = now) -> None:
        # Loopback and in-house addresses: a proxy of the environment has no place between us and the issuer.
        self._http = http or httpx.AsyncClient(trust_env=False, timeout=10.0)
        self._issuer = settings.issuer_url.rstrip("/")
        self._client = settings.workbench_client
        self._callback = f"{settings.web_url}/workbench/callback"
        self._clock = clock
        self._keys = Keys(self._issuer, self._http, reached_at=settings.issuer_internal_url)
        server, _, realm = (settings.issuer_internal_url or self._issuer).rstrip("/").rpartition("/realms/")
        self._keycloak = KeycloakOpenID(server_url=f"{server}/", realm_name=realm, client_id=self._client)
        self._keycloak.connection.async_s = self._http

    async def aclose(self) -> None:
        """Close the connection to the issuer."""
        await self._http.aclose()

    async def begin(self, back: str, language: str) -> tuple[SignIn, str]:
        """A new sign-in, and the address of the issuer that it goes to."""
        sign_in = SignIn(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), back)
        try:
            address = await self._keycloak.a_auth_url(
                quote(self._callback, safe=""),
                scope=quote(SCOPE, safe=""),
                state=sign_in.state,
                nonce=sign_in.nonce,
                code_challenge=_s256(sign_in.verifier),
                code_challenge_method="S256",
            )
        except KeycloakError as error:
            raise Unavailable("The sign-in service does not answer.") from error
        return sign_in, f"{address}&max_age={MAX_AGE}&ui_locales={quote(language)}"

    async def finish(self, sign_in: SignIn, answer: Mapping[str, str]) -> Tokens:
        """Exchange the code; Unauthenticated where anything does not belong to this sign-in."""
        if not hmac.compare_digest(answer.get("state", "").encode(), sign_in.state.encode()):
            raise Unauthenticated("The answer belongs to another sign-in.")
        if answer.get("iss", self._issuer).rstrip("/") != self._issuer:
            raise Unauthenticated("The answer comes from another issuer.")
        if not answer.get("code"):
            raise Unauthenticated("The sign-in service gave no code.")
        found = await self._ask(
            self._keycloak.a_token(
                grant_type="authorization_code",
                code=answer["code"],
                redirect_uri=self._callback,
                scope=SCOPE,
                code_verifier=sign_in.verifier,
            )
        )
        identity = await self._identity(str(found.get("id_token", "")), sign_in.nonce)
        return self._tokens(found, str(identity.get("sid", "")), str(identity.get("sub", "")))

    async def refresh(self, tokens: Tokens) -> Tokens:
        """New tokens; Unauthenticated where the issuer ended the session."""
        found = await self._ask(self._keycloak.a_refresh_token(tokens.refresh))
        return self._tokens({"refresh_token": tokens.refresh, **found}, tokens.session, tokens.subject)

    async def end(self, tokens: Tokens) -> bool:
        """End the session at the issuer; False where it does not answer."""
        try:
            await self._keycloak.a_logout(tokens.refresh)
        except KeycloakConnectionError:
            return False
        except KeycloakError:
            return True  # it has ended already
        return True

    async def ended(self, logout_token: str) -> Mapping[str, Any]:
        """The claims of a back-channel logout; Unauthenticated where it is not a good one."""
        claims = await self._verified(logout_token)
        if LOGOUT_EVENT not in (claims.get("events") or {}) or "nonce" in claims:
            raise Unauthenticated("This is not a logout token.")
        if abs(float(claims.get("iat", 0)) - self._clock().timestamp()) > 2 * LEEWAY:
            raise Unauthenticated("The logout token is too old.")
        if not claims.get("sid") and not claims.get("sub"):
            raise Unauthenticated("The logout token names no session.")
        return claims

    async def _ask(self, question: Any) -> dict[str, Any]:
        try:
            return dict(await question)
        except KeycloakConnectionError as error:
            raise Unavailable("The sign-in service does not answer.") from error
        except KeycloakError as error:
            if (error.response_code or 0) >= 500:
                raise Unavailable("The sign-in service does not answer.") from error
            raise Unauthenticated("The sign-in service refused.") from error

    async def _identity(self, token: str, nonce: str) -> dict[str, Any]:
        claims = await self._verified(token)
        if float(claims.get("exp", 0)) < self._clock().timestamp() - LEEWAY:
            raise Unauthenticated("The identity token has expired.")
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise Unauthenticated("The identity token belongs to another sign-in.")
        if float(claims.get("auth_time", 0)) < self._clock().timestamp() - MAX_AGE - LEEWAY:
            raise Unauthenticated("The sign-in was too long ago.")
        return claims

    async def _verified(self, token: str) -> dict[str, Any]:
        """Signature, issuer and audience of a token that is meant for this client."""
        header = _header(token)
        if header.get("alg") not in ALGORITHMS:
            raise Unauthenticated("The token is signed with an algorithm that is not taken.")
        key = await self._keys.get(str(header.get("kid", "")))
        try:
            claims = dict(jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims)
        except (JoseError, ValueError, TypeError) as error:
            raise Unauthenticated("The token does not hold.") from error
        audience = claims.get("aud")
        if claims.get("iss") != self._issuer or self._client not in (
            [audience] if isinstance(audience, str) else audience or ()
        ):
            raise Unauthenticated("The token is for somebody else.")
        return claims

    def _tokens(self, found: Mapping[str, Any], session: str, subject: str) -> Tokens:
        expires = self._clock() + timedelta(seconds=float(found.get("expires_in", 60)))
        return Tokens(str(found["access_token"]), str(found["refresh_token"]), expires, session, subject)


def _header(token: str) -> dict[str, Any]:
    first = token.partition(".")[0]
    try:
        header = msgspec.json.decode(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except ValueError as error:
        raise Unauthenticated("The token is not a JWT.") from error
    return header if isinstance(header, dict) else {}


def _s256(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
