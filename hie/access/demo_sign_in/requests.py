"""
Authorization requests and codes: what a browser brings, checked before anything is shown.

Codes are used once, for a minute, by the client they were made for, with the PKCE verifier that belongs to them.
https://www.rfc-editor.org/rfc/rfc7636, https://www.rfc-editor.org/rfc/rfc9700
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from hie.access.demo_sign_in.clients import Client
from hie.access.demo_sign_in.issuing import Session
from hie.errors import HieError
from hie.exchange.ids import now

CODE_SECONDS = timedelta(seconds=60)
MOST_CODES = 10_000
_CHALLENGE = re.compile(r"^[A-Za-z0-9_-]{43}$")


class BadRequest(HieError):
    """An error of OAuth: `error` is its code, `text` says what to mend. `status` is the HTTP status."""

    def __init__(self, error: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.error, self.status = error, status


@dataclass(frozen=True, slots=True)
class Request:
    """A checked authorization request."""

    client: Client
    redirect: str
    scope: str
    state: str
    nonce: str
    challenge: str
    locale: str

    def back(self, **fields: str) -> str:
        """The address that carries an answer to the client."""
        return f"{self.redirect}?{urlencode({**fields, **({'state': self.state} if self.state else {})})}"


def client_of(parameters: Mapping[str, str], known: Mapping[str, Client]) -> Client:
    """The client and its redirect address, which nothing is sent to before this; BadRequest otherwise."""
    client = known.get(parameters.get("client_id", ""))
    if client is None:
        raise BadRequest("invalid_client", "This client is not registered.")
    if not client.may_redirect(parameters.get("redirect_uri", "")):
        raise BadRequest("invalid_request", "This redirect_uri is not registered for the client.")
    return client


def check(parameters: Mapping[str, str], client: Client) -> Request:
    """The request; BadRequest for what the client must be told."""
    if parameters.get("response_type") != "code":
        raise BadRequest("unsupported_response_type", "Only the code flow is offered.")
    challenge = parameters.get("code_challenge", "")
    if parameters.get("code_challenge_method") != "S256" or not _CHALLENGE.match(challenge):
        raise BadRequest("invalid_request", "PKCE with S256 is required.")
    try:
        scope = client.granted(parameters.get("scope", "openid"))
    except ValueError as error:
        raise BadRequest("invalid_scope", "A scope was asked for that this client may not have.") from error
    english = parameters.get("ui_locales", "").lower().startswith("en")
    return Request(
        client, parameters["redirect_uri"], scope, parameters.get("state", ""), parameters.get("nonce", ""),
        challenge, "en" if english else "zh-CN",
    )  # fmt: skip


class Codes:
    """Authorization codes that wait to be exchanged."""

    def __init__(self, *, clock: Callable[[], datetime] = now) -> None:
        self._clock = clock
        self._waiting: dict[str, tuple[datetime, Request, Session]] = {}

    def make(self, request: Request, session: Session) -> str:
        """A code for a sign-in that just happened."""
        at = self._clock()
        self._waiting = {code: one for code, one in self._waiting.items() if one[0] > at}
        if len(self._waiting) >= MOST_CODES:
            raise BadRequest("temporarily_unavailable", "Too many sign-ins at once.", 503)
        code = secrets.token_urlsafe(32)
        self._waiting[code] = (at + CODE_SECONDS, request, session)
        return code

    def take(self, parameters: Mapping[str, str], client: Client) -> Session:
        """Exchange a code, once; BadRequest invalid_grant for a used, late, foreign or unproved one."""
        until, request, session = self._waiting.pop(parameters.get("code", ""), (None, None, None))
        if until is None or request is None or session is None or until <= self._clock():
            raise BadRequest("invalid_grant", "Code not valid")
        if request.client.id != client.id or request.redirect != parameters.get("redirect_uri"):
            raise BadRequest("invalid_grant", "Code is for another client or address")
        if not hmac.compare_digest(_s256(parameters.get("code_verifier", "")), request.challenge):
            raise BadRequest("invalid_grant", "PKCE verification failed")
        return session


def _s256(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode("ascii", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
