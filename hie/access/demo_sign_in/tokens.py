"""
The token endpoint: code, refresh, password and client credentials.

https://www.rfc-editor.org/rfc/rfc6749#section-3.2
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from hie.access.demo_sign_in.accounts import SYSTEM, Account, accounts, authenticate
from hie.access.demo_sign_in.clients import Client
from hie.access.demo_sign_in.issuing import BACKEND_SECONDS, Issuer, Session
from hie.access.demo_sign_in.requests import BadRequest, Codes

Form = Mapping[str, str]


class TokenEndpoint:
    """Answers grants."""

    def __init__(self, issuer: Issuer, codes: Codes, clients: Mapping[str, Client]) -> None:
        self._issuer, self._codes, self._clients = issuer, codes, clients

    def answer(self, form: Form, authorization: str | None) -> dict[str, Any]:
        """The token response; BadRequest with the error of OAuth."""
        client = self.client(form, authorization)
        match form.get("grant_type"):
            case "authorization_code":
                return self._issuer.answer(self._codes.take(form, client))
            case "refresh_token":
                return self._issuer.answer(self._refreshed(form, client))
            case "password":
                return self._issuer.answer(self._by_password(form, client), seconds=BACKEND_SECONDS)
            case "client_credentials":
                return self._issuer.answer(self._own(form, client), seconds=BACKEND_SECONDS, refresh=False)
            case _:
                raise BadRequest("unsupported_grant_type", "Unsupported grant_type")

    def client(self, form: Form, authorization: str | None) -> Client:
        """The client that calls; a confidential one must show its secret."""
        name, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        client = self._clients.get(name)
        if client is None or not client.knows(secret):
            raise BadRequest("invalid_client", "Invalid client or Invalid client credentials", 401)
        return client

    def _refreshed(self, form: Form, client: Client) -> Session:
        claims = self._issuer.read(form.get("refresh_token", ""), "Refresh")
        account = _account(claims)
        if claims is None or account is None or claims.get("azp") != client.id:
            raise BadRequest("invalid_grant", "Invalid refresh token")
        session = Session(account, client.id, str(claims["scope"]), id=str(claims["sid"]))
        return _narrowed(session, form.get("scope", ""))

    def _by_password(self, form: Form, client: Client) -> Session:
        if client.secret:
            raise BadRequest("unauthorized_client", "Client not allowed for direct access grants")
        account = authenticate(form.get("username", ""), form.get("password", ""))
        if account is None:
            raise BadRequest("invalid_grant", "Invalid user credentials", 401)
        return Session(account, client.id, _granted(client, form))

    def _own(self, form: Form, client: Client) -> Session:
        if not client.secret:
            raise BadRequest("unauthorized_client", "Client not enabled to retrieve service account", 401)
        return Session(replace(SYSTEM, account=client.id), client.id, _granted(client, form))


def _granted(client: Client, form: Form) -> str:
    try:
        return client.granted(form.get("scope", ""))
    except ValueError as error:
        raise BadRequest("invalid_scope", "Invalid scopes") from error


def _narrowed(session: Session, asked: str) -> Session:
    if not asked:
        return session
    if not set(asked.split()) <= set(session.scope.split()):
        raise BadRequest("invalid_scope", "A refresh cannot widen the scope")
    return replace(session, scope=asked)


def _account(claims: Mapping[str, Any] | None) -> Account | None:
    subject = (claims or {}).get("sub")
    return next((one for one in accounts().values() if one.subject == subject), None)


def _basic(authorization: str | None) -> tuple[str, str] | None:
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise BadRequest("invalid_client", "Invalid client credentials", 401) from error
    return unquote(name), unquote(secret)
