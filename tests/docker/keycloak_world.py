"""
What a browser does between a client of ours and Keycloak's own pages, and what the client does with the answer.

https://www.rfc-editor.org/rfc/rfc7636, https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from keycloak import KeycloakOpenID

CALLBACK = {"workbench": "http://127.0.0.1:8080/workbench/callback", "portal": "http://127.0.0.1:8081/callback"}


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Browser:
    """Fetches pages and posts forms; keeps cookies."""

    def __init__(self) -> None:
        self._http = httpx.Client(trust_env=False, timeout=30)

    def get(self, address: str) -> httpx.Response:
        """A page; redirects are shown, not followed."""
        return self._http.get(address, headers=self._cookies())

    def submit(self, page: httpx.Response, fields: dict[str, str]) -> httpx.Response:
        """Send the form of a page."""
        action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
        assert action is not None, page.text[:500]
        return self._http.post(html.unescape(action[1]), data=fields, headers=self._cookies())

    def close(self) -> None:
        """Forget everything."""
        self._http.close()

    def _cookies(self) -> dict[str, str]:
        # Keycloak marks them Secure; a browser sends them to loopback all the same, httpx does not.
        return {"Cookie": "; ".join(f"{one.name}={one.value}" for one in self._http.cookies.jar)}


class SignIn:
    """One sign-in of a client; `changes` of the methods spoil it."""

    def __init__(self, base: str, client: str, browser: Browser) -> None:
        self.base, self.client, self.browser = base, client, browser
        self.verifier, self.state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        self.openid = KeycloakOpenID(server_url=base, realm_name="zibo", client_id=client)

    def request(self, scope: str, **changes: str) -> str:
        """The address that the client sends the browser to."""
        asked = {
            "response_type": "code", "client_id": self.client, "redirect_uri": CALLBACK[self.client],
            "state": self.state, "scope": scope, "nonce": "n-1", "code_challenge_method": "S256",
            "code_challenge": challenge(self.verifier), **changes,
        }  # fmt: skip
        # An empty value leaves a parameter out.
        asked = {name: value for name, value in asked.items() if value}
        return f"{self.base}/realms/zibo/protocol/openid-connect/auth?{urlencode(asked)}"

    def back(self, account: str, scope: str, password: str | None = None) -> dict[str, str]:
        """Sign in at the page; the fields that come back to the client."""
        page = self.browser.get(self.request(scope))
        fields = {"username": account, "password": account if password is None else password, "credentialId": ""}
        return self.fields(self.browser.submit(page, fields))

    def fields(self, answer: httpx.Response) -> dict[str, str]:
        """What a redirect to the client carries."""
        assert answer.status_code == 302, answer.text[:500]
        assert answer.headers["location"].startswith(CALLBACK[self.client])
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}

    def token(self, code: str, **changes: str) -> dict[str, Any]:
        """The token response, by python-keycloak."""
        asked = {"code": code, "redirect_uri": CALLBACK[self.client], "code_verifier": self.verifier, **changes}
        found: dict[str, Any] = self.openid.token(grant_type="authorization_code", **asked)
        return found
