"""A small issuer and its callers, for the tests of access."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from hie.settings import Settings

ISSUER = "http://127.0.0.1:8082/realms/zibo"
AT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "rsa-2", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec-1", "use": "sig"})


@dataclass
class PublishedKeys:
    """An issuer's discovery document and key set, served without a socket; counts how often keys were fetched."""

    keys: list[Any] = field(default_factory=lambda: [RSA, EC])
    fetched: int = 0
    down: bool = False
    issuer: str = ISSUER

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            return httpx.Response(503)
        if request.url.path.endswith("openid-configuration"):
            return httpx.Response(200, json={"issuer": self.issuer, "jwks_uri": f"{ISSUER}/certs"})
        self.fetched += 1
        return httpx.Response(200, json={"keys": [key.as_dict(private=False) for key in self.keys]})


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good access token, with changes; None leaves one out."""
    at = int(AT.timestamp())
    good = {
        "iss": ISSUER, "aud": ["hie", "account"], "sub": "s-1", "typ": "Bearer", "azp": "workbench", "iat": at,
        "exp": at + 300, "scope": "openid user/*.cruds", "name": "张医生", "preferred_username": "clinician",
        "realm_access": {"roles": ["clinician"]}, "organization": "urn:hie:organization|370303-H01",
    }  # fmt: skip
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def sign(body: Mapping[str, Any], key: Any = RSA, alg: str = "RS256", **header: Any) -> str:
    """A signed token."""
    return jwt.encode({"alg": alg, "kid": key.kid, "typ": "JWT", **header}, dict(body), key, algorithms=[alg])


def settings(folder: Path, **changes: Any) -> Settings:
    """Settings that read no environment variable of this machine."""
    return Settings(data_dir=folder, **changes)
