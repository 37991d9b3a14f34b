"""
Language and elder mode: cookies, set by plain links, so that they work on every page and without JavaScript.

The link carries the address it came from, with its query, and leads back there.
"""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hie.ui import i18n

ELDER_COOKIE = "elder"
YEAR = 365 * 24 * 3600


def routes(base: str = "") -> list[Route]:
    """`{base}/preferences`; `base` is where the application is mounted."""
    return [Route(f"{base}/preferences", _set, methods=["GET"])]


def is_elder(request: Request) -> bool:
    """Whether the visitor chose the elder mode."""
    return request.cookies.get(ELDER_COOKIE) == "1"


def switch(base: str, back: str, **change: str) -> str:
    """The address that changes a preference (language=en, elder=1) and leads back."""
    return f"{base}/preferences?{urlencode({**change, 'back': back})}"


def local(address: str) -> str:
    """The address where it is a path of this site, else the home page: no open redirect."""
    bad = address[:1] != "/" or address[1:2] in ("/", "\\") or any(ord(sign) < 33 or sign == "\\" for sign in address)
    return "/" if bad else address


async def _set(request: Request) -> Response:
    answer = RedirectResponse(local(request.query_params.get("back", "/")), 303, {"Cache-Control": "no-store"})
    if (language := request.query_params.get("language")) in i18n.LANGUAGES:
        _cookie(request, answer, i18n.COOKIE, language)
    if (elder := request.query_params.get("elder")) in ("0", "1"):
        _cookie(request, answer, ELDER_COOKIE, elder)
    return answer


def _cookie(request: Request, answer: Response, name: str, value: str) -> None:
    secure = request.url.scheme == "https"
    answer.set_cookie(name, value, max_age=YEAR, path="/", samesite="lax", httponly=True, secure=secure)
