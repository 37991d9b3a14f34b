"""
Forms: reading them, and proof that they came from a page of ours.

A session has a secret; each page carries it under a fresh mask, so that compression tells nothing about it.
https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from starlette.requests import Request

FIELD = "csrf"
MAX_FIELDS = 200
SECRET_BYTES = 32


class Forgery(Exception):
    """The form did not come from a page of ours in this session."""


@dataclass(frozen=True)
class Form(Mapping[str, str]):
    """A form's texts: `form["name"]` is the last value, `form.all("name")` every one."""

    pairs: tuple[tuple[str, str], ...] = ()

    def __getitem__(self, name: str) -> str:
        return dict(self.pairs)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.pairs))

    def __len__(self) -> int:
        return len(dict(self.pairs))

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.pairs if key == name)


def new_secret() -> str:
    """A secret for a new session."""
    return secrets.token_hex(SECRET_BYTES)


def token(secret: str) -> str:
    """The secret under a fresh mask, for one page."""
    plain = bytes.fromhex(secret)
    mask = secrets.token_bytes(len(plain))
    return base64.urlsafe_b64encode(mask + _xor(plain, mask)).decode()


def is_valid(secret: str, given: str) -> bool:
    """Whether a token holds the session's secret."""
    try:
        raw = base64.urlsafe_b64decode(given.encode())
    except (binascii.Error, ValueError):
        return False
    half = len(raw) // 2
    return bool(secret) and hmac.compare_digest(_xor(raw[:half], raw[half:]), bytes.fromhex(secret))


def same_origin(headers: Mapping[str, str], origin: str) -> bool:
    """Whether the browser says that the request comes from this site. A client that says neither needs the token."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    given = headers.get("origin")
    return given is None or given == origin


def origin_of(request: Request) -> str:
    """The origin that this request was sent to."""
    return f"{request.url.scheme}://{request.url.netloc}"


async def read(request: Request, secret: str, *, origin: str = "") -> Form:
    """
    The form of a request; Forgery where it is not from a page of this session. `origin` is the public origin of the
    site where it stands behind a proxy.
    """
    form = await read_unchecked(request)
    origins = {origin_of(request), origin} - {""}
    if not any(same_origin(request.headers, one) for one in origins):
        raise Forgery
    if not is_valid(secret, form.get(FIELD, "")):
        raise Forgery
    return form


async def read_unchecked(request: Request) -> Form:
    """The form of a request that changes nothing."""
    given = await request.form(max_files=0, max_fields=MAX_FIELDS)
    return Form(tuple((name, value.strip()) for name, value in given.multi_items() if isinstance(value, str)))


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=False))
