"""
Two cookies: the session's id, and the id of a sign-in under way. Neither says anything.

https://www.rfc-editor.org/rfc/rfc6265, https://developer.mozilla.org/docs/Web/HTTP/Cookies#cookie_prefixes
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie. Over HTTPS it has the prefix that ties it to this host; plain HTTP is for one machine only."""

    plain_name: str
    https: bool
    seconds: int | None = None

    @property
    def name(self) -> str:
        return f"__Host-{self.plain_name}" if self.https else self.plain_name

    def read(self, request: Request) -> str:
        """Its value, or an empty string."""
        return request.cookies.get(self.name, "")

    def set(self, response: Response, value: str) -> None:
        """Lax: Strict would lose it on the way back from the issuer."""
        response.set_cookie(
            self.name, value, max_age=self.seconds, path="/", secure=self.https, httponly=True, samesite="lax"
        )

    def drop(self, response: Response) -> None:
        """Take it back."""
        response.delete_cookie(self.name, path="/", secure=self.https, httponly=True, samesite="lax")
