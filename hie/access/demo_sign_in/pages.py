"""
The pages of the demo sign-in: large, plain, in Chinese and English, without any script.

https://www.w3.org/TR/WCAG22/
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from importlib import resources
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer
from jinja2 import Environment, PackageLoader, StrictUndefined

from hie.access.demo_sign_in.accounts import RESIDENT, accounts
from hie.access.demo_sign_in.requests import BadRequest, Request
from hie.access.demo_sign_in.words import WORDS

KEPT_SECONDS = 1800
KEPT = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
    "ui_locales",
)  # fmt: skip


class Pages:
    """Renders; the authorization request travels through the page under a signature."""

    def __init__(self, authorize: str, action: str, style: str) -> None:
        self._authorize, self._action, self._style = authorize, action, style
        self._signer = URLSafeTimedSerializer(secrets.token_bytes(32), salt="authorization request")
        self._templates = Environment(
            loader=PackageLoader("hie.access.demo_sign_in"), autoescape=True, undefined=StrictUndefined
        )
        self._css = resources.files("hie.access.demo_sign_in").joinpath("static/sign-in.css").read_bytes()

    def ask(self, asked: Request, parameters: Mapping[str, str], *, wrong: bool = False) -> Response:
        """The sign-in page; `wrong` says that name and password did not fit."""
        resident_first = asked.client.name == "portal"
        ordered = sorted(accounts().values(), key=lambda one: (one.role == RESIDENT) != resident_first)
        kept = self._signer.dumps({name: parameters[name] for name in KEPT if name in parameters})
        other = "en" if asked.locale == "zh-CN" else "zh-CN"
        return self._page(
            "sign_in.html",
            asked.locale,
            401 if wrong else 200,
            origin=_origin(asked.redirect),
            client=asked.client.name,
            accounts=ordered,
            action=self._action,
            authorize=self._authorize,
            request=kept,
            wrong=wrong,
            other=other,
            switch={**{name: parameters[name] for name in KEPT if name in parameters}, "ui_locales": other},
        )

    def kept(self, signed: str) -> dict[str, str] | None:
        """The authorization request that a page of ours carried; None where it is not ours or too old."""
        try:
            found = self._signer.loads(signed, max_age=KEPT_SECONDS)
        except BadSignature:
            return None
        return {str(name): str(value) for name, value in found.items()}

    def refused(self, error: BadRequest, locales: str) -> Response:
        """A request that cannot be answered to the client."""
        return self._page("notice.html", _locale(locales), error.status, kind=error.error)

    def signed_out(self, locales: str) -> Response:
        """The end."""
        return self._page("notice.html", _locale(locales), 200, kind="signed_out")

    def style(self) -> Response:
        """The style sheet."""
        return Response(self._css, media_type="text/css", headers={"Cache-Control": "max-age=3600"})

    def _page(self, template: str, locale: str, status: int, *, origin: str = "", **context: object) -> Response:
        words = WORDS[locale]
        html = self._templates.get_template(template).render(locale=locale, words=words, style=self._style, **context)
        return HTMLResponse(html, status, headers=_headers(origin))


def _headers(origin: str) -> dict[str, str]:
    # A browser holds form-action against the redirect that follows the form, too.
    policy = (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {origin}".rstrip()
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _locale(locales: str) -> str:
    return "en" if locales.lower().startswith("en") else "zh-CN"
