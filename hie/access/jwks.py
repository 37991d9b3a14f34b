"""
The issuer's public keys, kept for a while and fetched once more when a token names an unknown one.

https://openid.net/specs/openid-connect-discovery-1_0.html
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from hie.errors import Unauthenticated, Unavailable

Key = RSAKey | ECKey
KEEP_SECONDS = 600.0
# An attacker who makes up key ids must not make us ask the issuer for each.
RETRY_SECONDS = 10.0


class Keys:
    """Signing keys of one issuer, by key id; `reached_at` is its address from here, where that is another."""

    def __init__(
        self,
        issuer: str,
        http: httpx.AsyncClient,
        *,
        reached_at: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer.rstrip("/")
        self._address = (reached_at or issuer).rstrip("/")
        self._http = http
        self._monotonic = monotonic
        self._keys: dict[str, Key] = {}
        self._fetched = float("-inf")
        self._lock = asyncio.Lock()

    async def get(self, kid: str) -> Key:
        """The key; Unauthenticated where the issuer has no such key, Unavailable where it does not answer."""
        age = self._monotonic() - self._fetched
        if age > KEEP_SECONDS or (kid not in self._keys and age > RETRY_SECONDS):
            await self._refresh()
        if (key := self._keys.get(kid)) is None:
            raise Unauthenticated("The access token is signed with a key that the issuer does not publish.")
        return key

    async def ready(self) -> None:
        """Unavailable where no key is known and the issuer gives none."""
        if not self._keys:
            await self._refresh()

    async def _refresh(self) -> None:
        asked = self._monotonic()
        async with self._lock:
            if self._fetched >= asked:
                return
            try:
                self._keys = await self._fetch()
            except (httpx.HTTPError, ValueError, KeyError, TypeError, JoseError) as error:
                # Known keys stay good for a while when the issuer is away.
                if not self._keys:
                    raise Unavailable("The sign-in service does not answer.") from error
            self._fetched = self._monotonic()

    async def _fetch(self) -> dict[str, Key]:
        discovery = await self._get(f"{self._address}/.well-known/openid-configuration")
        if discovery["issuer"] != self._issuer:
            raise ValueError("The discovery document is another issuer's.")
        published = await self._get(discovery["jwks_uri"])
        usable = [one for one in published["keys"] if one.get("use", "sig") == "sig" and one["kty"] in ("RSA", "EC")]
        return {key.kid: key for key in KeySet.import_key_set({"keys": usable}).keys if key.kid and _asymmetric(key)}  # type: ignore[misc]

    async def _get(self, address: str) -> dict[str, Any]:
        answer = await self._http.get(address, timeout=5.0)
        answer.raise_for_status()
        return dict(answer.json())


def _asymmetric(key: object) -> bool:
    return isinstance(key, RSAKey | ECKey) and not isinstance(key, OKPKey)
