"""
Tokens as Keycloak makes them: access, ID and refresh token, signed with one RSA key.

https://openid.net/specs/openid-connect-core-1_0.html#TokenResponse
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from hie.access.demo_sign_in.accounts import Account
from hie.exchange.ids import now

ACCESS_SECONDS = 300
# A terminal or a long-running client of the demo has no session to refresh.
BACKEND_SECONDS = 3600
REFRESH_SECONDS = 8 * 3600


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in of an account at a client."""

    account: Account
    client: str
    scope: str
    nonce: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


class Issuer:
    """Makes and reads tokens; remembers only which sessions were ended."""

    def __init__(self, issuer: str, audience: str, key: RSAKey, *, clock: Callable[[], datetime] = now) -> None:
        self.issuer = issuer
        self.key = key
        self._audience = audience
        self._clock = clock
        self._ended: set[str] = set()

    def answer(self, session: Session, *, seconds: int = ACCESS_SECONDS, refresh: bool = True) -> dict[str, Any]:
        """A token response."""
        found: dict[str, Any] = {
            "access_token": self._sign(self._access(session), session, "Bearer", seconds),
            "expires_in": seconds,
            "refresh_expires_in": REFRESH_SECONDS if refresh else 0,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "scope": session.scope,
        }
        if refresh:
            kept = {"aud": self.issuer, "azp": session.client, "scope": session.scope, "nonce": session.nonce}
            found["refresh_token"] = self._sign(kept, session, "Refresh", REFRESH_SECONDS)
            found["session_state"] = session.id
        if "openid" in session.scope.split():
            found["id_token"] = self._sign(self._identity(session), session, "ID", seconds)
        return found

    def read(self, token: str, kind: str) -> dict[str, Any] | None:
        """The claims of a token of ours that still holds; None for every other."""
        try:
            claims = jwt.decode(token, self.key, algorithms=["RS256"]).claims
        except (JoseError, ValueError):
            return None
        holds = claims.get("typ") == kind and claims.get("iss") == self.issuer
        fresh = float(claims.get("exp", 0)) > self._clock().timestamp()
        return dict(claims) if holds and fresh and claims.get("sid") not in self._ended else None

    def end(self, session: str) -> None:
        """End a session: its refresh tokens hold no longer."""
        self._ended.add(session)

    def _access(self, session: Session) -> dict[str, Any]:
        account = session.account
        claims = {
            "aud": [self._audience, "account"],
            "azp": session.client,
            "scope": session.scope,
            "preferred_username": account.account,
            "name": account.name,
            "realm_access": {"roles": [account.role]},
            "acr": "1",
        }
        if account.organization:
            claims |= {"organization": account.organization, "organization_name": account.organization_name}
        return claims

    def _identity(self, session: Session) -> dict[str, Any]:
        claims = self._access(session) | {"aud": session.client, "auth_time": int(self._clock().timestamp())}
        claims.pop("scope")
        return claims | ({"nonce": session.nonce} if session.nonce else {})

    def _sign(self, claims: dict[str, Any], session: Session, kind: str, seconds: int) -> str:
        at = int(self._clock().timestamp())
        common = {
            "iss": self.issuer, "sub": session.account.subject, "typ": kind, "iat": at, "exp": at + seconds,
            "jti": secrets.token_hex(16), "sid": session.id, "session_state": session.id,
        }  # fmt: skip
        return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": self.key.kid}, common | claims, self.key)
