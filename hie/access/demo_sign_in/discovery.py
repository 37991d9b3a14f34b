"""
What the issuer says of itself.

https://openid.net/specs/openid-connect-discovery-1_0.html
"""

from __future__ import annotations

import base64
from typing import Any

from hie.access.demo_sign_in.issuing import Issuer


def configuration(issuer: Issuer) -> dict[str, Any]:
    """The discovery document."""
    connect = f"{issuer.issuer}/protocol/openid-connect"
    return {
        "issuer": issuer.issuer,
        "authorization_endpoint": f"{connect}/auth",
        "token_endpoint": f"{connect}/token",
        "introspection_endpoint": f"{connect}/token/introspect",
        "userinfo_endpoint": f"{connect}/userinfo",
        "end_session_endpoint": f"{connect}/logout",
        "jwks_uri": f"{connect}/certs",
        "grant_types_supported": ["authorization_code", "refresh_token", "password", "client_credentials"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "ui_locales_supported": ["zh-CN", "en"],
        "claims_supported": ["sub", "iss", "name", "preferred_username", "realm_access", "organization"],
        "authorization_response_iss_parameter_supported": True,
    }


def public_keys(issuer: Issuer) -> dict[str, Any]:
    """The key set that signatures are checked with."""
    return {"keys": [issuer.key.as_dict(private=False)]}


def realm(issuer: Issuer) -> dict[str, Any]:
    """Keycloak's page of a realm."""
    public = base64.b64encode(issuer.key.as_der(private=False)).decode("ascii")
    return {
        "realm": "zibo",
        "public_key": public,
        "token-service": f"{issuer.issuer}/protocol/openid-connect",
        "account-service": f"{issuer.issuer}/account",
        "tokens-not-before": 0,
    }
