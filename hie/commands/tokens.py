"""
`hie token`: an access token of the demo sign-in, for a terminal.
"""

from __future__ import annotations

import httpx

from hie.errors import Unauthenticated, Unavailable
from hie.settings import Settings

# Residents sign in to the portal, staff to the workbench; the backend service has its own grant.
PORTAL_ACCOUNTS = frozenset({"resident", "elder"})


def token(settings: Settings, account: str) -> str:
    """An access token; Unavailable where the sign-in does not run, Unauthenticated where it knows no such account."""
    if settings.mode == "production":
        raise Unavailable("Tokens on the command line are for the demo sign-in only.")
    try:
        address = f"{settings.issuer_internal_url or settings.issuer_url}/protocol/openid-connect/token"
        answer = httpx.post(address, data=_grant(settings, account), trust_env=False)
    except httpx.HTTPError as error:
        raise Unavailable("The demo sign-in does not answer; is the exchange running (make run)?") from error
    if answer.status_code != 200:
        raise Unauthenticated(f"The demo sign-in knows no account {account!r}.")
    return str(answer.json()["access_token"])


def _grant(settings: Settings, account: str) -> dict[str, str]:
    if account == "system":
        return {
            "grant_type": "client_credentials",
            "client_id": "system",
            "client_secret": "system",
            "scope": "system/*.cruds",
        }
    client = settings.portal_client if account in PORTAL_ACCOUNTS else settings.workbench_client
    scope = "patient/*.rs" if account in PORTAL_ACCOUNTS else "user/*.cruds"
    return {
        "grant_type": "password",
        "client_id": client,
        "username": account,
        "password": account,
        "scope": f"openid {scope}",
    }
