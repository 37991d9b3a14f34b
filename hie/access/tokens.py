"""
Access tokens: a JWT of the one trusted issuer, checked for signature, audience, time and kind.

https://www.rfc-editor.org/rfc/rfc9068, https://www.rfc-editor.org/rfc/rfc8725
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError

from hie.access.jwks import Keys
from hie.errors import Unauthenticated
from hie.exchange.ids import now

ALGORITHMS = ("RS256", "PS256", "ES256")
LEEWAY_SECONDS = 30.0
# A key that the issuer withdrew ends after this, though the token would live longer.
TRUST_SECONDS = 300.0
LONGEST = 16_384
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    subject: str
    username: str
    name: str
    roles: tuple[str, ...]
    organization: str
    organization_name: str
    scope: str
    client: str
    session: str
    patient: str
    expires: float


class Tokens:
    """Verifies access tokens; a token once verified is known by its hash until it ends."""

    def __init__(
        self, keys: Keys, *, issuer: str, audiences: Sequence[str], clock: Callable[[], datetime] = now
    ) -> None:
        self._keys = keys
        self._issuer = issuer.rstrip("/")
        self._audiences = frozenset(audiences)
        self._clock = clock
        self._known: dict[bytes, tuple[float, Claims]] = {}

    async def verify(self, token: str) -> Claims:
        """The claims; Unauthenticated for a foreign, broken, early or late token, or one for somebody else."""
        at = self._clock().timestamp()
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        if (known := self._known.get(digest)) is not None and at < known[0]:
            return known[1]
        claims = self._check(await self._decode(token), at)
        self._remember(digest, min(claims.expires, at + TRUST_SECONDS), claims, at)
        return claims

    async def _decode(self, token: str) -> dict[str, Any]:
        header = _header(token)
        key = await self._keys.get(str(header.get("kid", "")))
        try:
            return dict(jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims)
        except (JoseError, ValueError, TypeError) as error:
            raise Unauthenticated("The access token does not hold.") from error

    def _check(self, claims: Mapping[str, Any], at: float) -> Claims:
        expires = _seconds(claims, "exp")
        if expires is None or expires <= at - LEEWAY_SECONDS:
            raise Unauthenticated("The access token has expired.")
        if any((_seconds(claims, name) or 0.0) > at + LEEWAY_SECONDS for name in ("nbf", "iat")):
            raise Unauthenticated("The access token is not valid yet.")
        if claims.get("iss") != self._issuer:
            raise Unauthenticated("The access token is of another issuer.")
        if not self._audiences & _audience(claims):
            raise Unauthenticated("The access token is for another audience.")
        if claims.get("typ", "Bearer") != "Bearer":
            raise Unauthenticated("This is not an access token.")
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise Unauthenticated("The access token names no subject.")
        return _claims(claims, expires)

    def _remember(self, digest: bytes, until: float, claims: Claims, at: float) -> None:
        if len(self._known) >= REMEMBERED:
            self._known = {key: value for key, value in self._known.items() if value[0] > at}
        if len(self._known) < REMEMBERED:
            self._known[digest] = (until, claims)


def _header(token: str) -> dict[str, Any]:
    if len(token) > LONGEST or token.count(".") != 2:
        raise Unauthenticated("The access token is not a JWT.")
    first = token.partition(".")[0]
    try:
        header = msgspec.json.decode(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except ValueError as error:
        raise Unauthenticated("The access token is not a JWT.") from error
    if not isinstance(header, dict) or header.get("alg") not in ALGORITHMS:
        raise Unauthenticated("The access token is signed with an algorithm that is not taken.")
    if str(header.get("typ", "JWT")).lower() not in ("jwt", "at+jwt"):
        raise Unauthenticated("This is not an access token.")
    return header


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unauthenticated("The access token has a time that is no number.")
    return float(value)


def _audience(claims: Mapping[str, Any]) -> frozenset[str]:
    given = claims.get("aud")
    return frozenset([given] if isinstance(given, str) else [str(one) for one in given or ()])


def _claims(claims: Mapping[str, Any], expires: float) -> Claims:
    realm = claims.get("realm_access")
    roles = realm.get("roles") if isinstance(realm, Mapping) else None
    return Claims(
        subject=claims["sub"],
        username=_text(claims, "preferred_username"),
        name=_text(claims, "name") or _text(claims, "preferred_username"),
        roles=tuple(str(role) for role in roles or ()),
        organization=_text(claims, "organization"),
        organization_name=_text(claims, "organization_name"),
        scope=_text(claims, "scope"),
        client=_text(claims, "azp") or _text(claims, "client_id"),
        session=_text(claims, "sid") or _text(claims, "session_state"),
        patient=_text(claims, "patient"),
        expires=expires,
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""
