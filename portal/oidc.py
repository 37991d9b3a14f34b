"""
The portal as an OpenID client: code flow with PKCE, state and nonce; the ID token is verified before it is believed.

https://openid.net/specs/openid-connect-core-1_0.html, https://www.rfc-editor.org/rfc/rfc9700,
https://openid.net/specs/openid-connect-rpinitiated-1_0.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakConnectionError, KeycloakError

from portal.errors import SignedOut, SignInFailed, Unavailable
from portal.sessions import Clock, SignIn, Tokens
from portal.settings import Settings

SCOPE = "openid patient/*.rs patient/Consent.cruds"
ALGORITHMS = ["RS256", "PS256", "ES256"]
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LEEWAY = 60


class OpenId:
    """Speaks to the issuer with python-keycloak."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient, clock: Clock) -> None:
        self._issuer, self._client, self._own = settings.issuer_url, settings.portal_client, settings.own_url
        self._clock = clock
        self._keys: KeySet | None = None
        server, _, realm = (settings.issuer_internal_url or self._issuer).rstrip("/").rpartition("/realms/")
        self._keycloak = KeycloakOpenID(server_url=f"{server}/", realm_name=realm, client_id=self._client)
        self._keycloak.connection.async_s = http

    async def begin(self, back: str, language: str) -> tuple[SignIn, str]:
        """A new sign-in, and the address of the issuer that it goes to."""
        sign_in = SignIn(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), back)
        try:
            address = await self._keycloak.a_auth_url(
                quote(f"{self._own}/callback", safe=""),
                scope=quote(SCOPE, safe=""),
                state=sign_in.state,
                nonce=sign_in.nonce,
                code_challenge=_s256(sign_in.verifier),
                code_challenge_method="S256",
            )
        except (KeycloakError, httpx.HTTPError) as error:
            raise Unavailable from error
        return sign_in, f"{address}&ui_locales={quote(language)}"

    async def finish(self, sign_in: SignIn, answer: Mapping[str, str]) -> Tokens:
        """Exchange the code; SignInFailed where anything does not belong to this sign-in."""
        if not hmac.compare_digest(answer.get("state", "").encode(), sign_in.state.encode()):
            raise SignInFailed
        if answer.get("iss", self._issuer).rstrip("/") != self._issuer or not answer.get("code"):
            raise SignInFailed
        asked = self._keycloak.a_token(
            grant_type="authorization_code",
            code=answer["code"],
            redirect_uri=f"{self._own}/callback",
            scope=SCOPE,
            code_verifier=sign_in.verifier,
        )
        found = await _asked(asked, SignInFailed)
        claims = await self._verified(str(found.get("id_token", "")))
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), sign_in.nonce.encode()):
            raise SignInFailed
        if float(claims.get("exp", 0)) < self._clock().timestamp() - LEEWAY:
            raise SignInFailed
        return Tokens(
            str(found["access_token"]), str(found["refresh_token"]), str(found["id_token"]), self._expires(found),
            str(claims.get("sid", "")), str(claims["sub"]), str(claims.get("name", "")),
        )  # fmt: skip

    async def refresh(self, tokens: Tokens) -> Tokens:
        """New tokens; SignedOut where the issuer ended the session."""
        found = await _asked(self._keycloak.a_refresh_token(tokens.refresh), SignedOut)
        return Tokens(
            str(found["access_token"]), str(found.get("refresh_token", tokens.refresh)),
            str(found.get("id_token", tokens.identity)), self._expires(found),
            tokens.session, tokens.subject, tokens.name,
        )  # fmt: skip

    async def end(self, tokens: Tokens) -> None:
        """End the session at the issuer, as far as it answers."""
        try:
            await self._keycloak.a_logout(tokens.refresh)
        except (KeycloakError, httpx.HTTPError):
            return

    def leave(self, tokens: Tokens, language: str) -> str:
        """The issuer's address that a browser goes to for signing out; it leads back to us."""
        asked = {
            "id_token_hint": tokens.identity,
            "client_id": self._client,
            "post_logout_redirect_uri": f"{self._own}/signed-out",
            "ui_locales": language,
        }
        return f"{self._issuer}/protocol/openid-connect/logout?{urlencode(asked)}"

    async def ended(self, logout_token: str) -> Mapping[str, Any]:
        """The claims of a back-channel logout; SignInFailed where it is not a good one."""
        claims = await self._verified(logout_token)
        fresh = abs(float(claims.get("iat", 0)) - self._clock().timestamp()) <= 2 * LEEWAY
        named = claims.get("sid") or claims.get("sub")
        if LOGOUT_EVENT not in (claims.get("events") or {}) or "nonce" in claims or not fresh or not named:
            raise SignInFailed
        return claims

    async def _verified(self, token: str) -> dict[str, Any]:
        """Signature, issuer and audience of a token that is meant for this client."""
        try:
            claims = dict(jwt.decode(token, await self._known_keys(), algorithms=ALGORITHMS).claims)
        except (JoseError, ValueError, TypeError):
            claims = await self._verified_again(token)
        audience = claims.get("aud")
        audiences = [audience] if isinstance(audience, str) else audience or []
        if claims.get("iss") != self._issuer or self._client not in audiences:
            raise SignInFailed
        return claims

    async def _verified_again(self, token: str) -> dict[str, Any]:
        # The issuer may have changed its keys since they were fetched.
        self._keys = None
        try:
            return dict(jwt.decode(token, await self._known_keys(), algorithms=ALGORITHMS).claims)
        except (JoseError, ValueError, TypeError) as error:
            raise SignInFailed from error

    async def _known_keys(self) -> KeySet:
        if self._keys is None:
            found = await _asked(self._keycloak.a_certs(), SignInFailed)
            signing = [key for key in found.get("keys", ()) if key.get("use", "sig") == "sig"]
            self._keys = KeySet.import_key_set({"keys": signing})
        return self._keys

    def _expires(self, found: Mapping[str, Any]) -> Any:
        return self._clock() + timedelta(seconds=float(found.get("expires_in", 60)))


async def _asked(question: Awaitable[Any], refused: type[Exception]) -> dict[str, Any]:
    try:
        return dict(await question)
    except (KeycloakConnectionError, httpx.HTTPError) as error:
        raise Unavailable from error
    except KeycloakError as error:
        if (error.response_code or 0) >= 500:
            raise Unavailable from error
        raise refused from error


def _s256(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
