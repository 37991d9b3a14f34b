"""
Where a SMART app finds the sign-in, and what it can count on.

https://hl7.org/fhir/smart-app-launch/conformance.html
"""

from __future__ import annotations

from hie.settings import Settings
from records.stored import Json

# What the gate decides by. How an app is launched and who may be a client is the issuer's matter.
CAPABILITIES = ("client-public", "client-confidential-symmetric", "permission-patient", "permission-user",
                "permission-v1", "permission-v2", "permission-offline")  # fmt: skip
SCOPES = ("openid", "profile", "offline_access", "launch/patient", "patient/*.rs", "user/*.rs", "user/*.cruds",
          "system/*.rs", "system/*.cruds")  # fmt: skip


def smart_configuration(settings: Settings) -> Json:
    """The document below `[base]/.well-known/smart-configuration`."""
    connect = f"{settings.issuer_url}/protocol/openid-connect"
    return {
        "issuer": settings.issuer_url,
        "jwks_uri": f"{connect}/certs",
        "authorization_endpoint": f"{connect}/auth",
        "token_endpoint": f"{connect}/token",
        "introspection_endpoint": f"{connect}/token/introspect",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": list(SCOPES),
        "capabilities": list(CAPABILITIES),
    }
