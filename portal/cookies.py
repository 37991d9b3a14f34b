"""
Cookies that hold one random value: bound to this host alone where browsers come by https.

https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-the-__host-prefix
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class Cookie:
    """SameSite=Lax: the way back from the issuer has to carry it."""

    plain_name: str
    https: bool

    @property
    def name(self) -> str:
        return f"__Host-{self.plain_name}" if self.https else self.plain_name

    def read(self, request: Request) -> str:
        """Its value, or an empty string."""
        return request.cookies.get(self.name, "")

    def set(self, response: Response, value: str) -> None:
        """Until the browser is closed."""
        response.set_cookie(self.name, value, path="/", httponly=True, secure=self.https, samesite="lax")

    def drop(self, response: Response) -> None:
        """Forget it."""
        response.delete_cookie(self.name, path="/", httponly=True, secure=self.https, samesite="lax")
