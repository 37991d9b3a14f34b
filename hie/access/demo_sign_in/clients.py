"""
The clients that the issuer knows, and where it may send a browser back to.

https://www.rfc-editor.org/rfc/rfc9700#section-2.1, https://www.rfc-editor.org/rfc/rfc8252#section-7.3
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from hie.access.scopes import parse
from hie.settings import Settings

# What a resident's client may be granted beyond reading: who may look, and answers to questions.
RESIDENT_WRITES = frozenset({"Consent", "QuestionnaireResponse"})
SIGN_IN_SCOPES = frozenset(
    {"openid", "launch/patient", "profile", "email", "roles", "offline_access", "basic", "web-origins", "acr"}
)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Client:
    """
    One client. `context` is the SMART context of its scopes (patient, user, system). `redirects` are the exact
    addresses of its callback; on loopback any port is taken.

    A client with a secret is confidential; one without is public and has to use PKCE.
    """

    id: str
    name: str
    context: str
    redirects: tuple[str, ...] = ()
    default_scope: str = ""
    secret: str = ""

    def may_redirect(self, address: str) -> bool:
        """True for a registered callback."""
        return any(_same(urlsplit(one), urlsplit(address)) for one in self.redirects)

    def may_return_to(self, address: str) -> bool:
        """True for an address on the site of a registered callback: where a sign-out may lead."""
        return any(_same_site(urlsplit(one), urlsplit(address)) for one in self.redirects)

    def knows(self, secret: str) -> bool:
        """True where the secret is right, or the client has none."""
        return not self.secret or hmac.compare_digest(self.secret.encode(), secret.encode())

    def granted(self, asked: str) -> str:
        """What of the asked scopes is granted; ValueError names one that the client may not have."""
        wanted = asked.split()
        if foreign := [scope for scope in wanted if not self._may_have(scope)]:
            raise ValueError(foreign[0])
        if not any(parse(scope) for scope in wanted):
            wanted.append(self.default_scope)
        return " ".join(dict.fromkeys(wanted))

    def _may_have(self, text: str) -> bool:
        scope = parse(text)
        if scope is None:
            return text in SIGN_IN_SCOPES
        if scope.context != self.context:
            return False
        return self.context != "patient" or scope.type in RESIDENT_WRITES or set(scope.letters) <= set("rs")


def clients(settings: Settings) -> Mapping[str, Client]:
    """Every client by its id."""
    portal = (settings.portal_url or f"http://{settings.host}:{settings.portal_port}").rstrip("/")
    workbench = (f"{settings.web_url}/workbench/callback",)
    found = (
        Client(settings.workbench_client, "workbench", "user", workbench, "user/*.cruds"),
        Client(settings.portal_client, "portal", "patient", (f"{portal}/callback",), "patient/*.rs"),
        Client("system", "system", "system", (), "system/*.cruds", secret="system"),  # noqa: S106 - a demo
    )
    return {client.id: client for client in found}


def _same(registered: SplitResult, given: SplitResult) -> bool:
    return registered.path == given.path and not given.query and not given.fragment and _same_site(registered, given)


def _same_site(registered: SplitResult, given: SplitResult) -> bool:
    if given.username is not None or given.scheme != registered.scheme:
        return False
    if registered.hostname in LOOPBACK:
        return given.hostname in LOOPBACK
    return given.netloc == registered.netloc
