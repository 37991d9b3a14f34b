"""
Content codings: gzip both ways, with a limit on what a request may unfold to.

Compression and secrets in one body are dangerous where a stranger's page can make the victim's browser ask (BREACH).
It cannot here: a request carries a bearer token that no browser adds by itself. Pages with cookies are not compressed.
https://www.rfc-editor.org/rfc/rfc9110#name-content-codings
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

from hie.errors import Unsupported
from records.errors import NotUnderstood, TooCostly

GZIP = frozenset({"gzip", "x-gzip"})
# Each member costs a copy of what follows it.
MEMBERS = 16
_GZIP_BITS = 31
# The first level is the one that costs no more time than a network saves.
_LEVEL = 1


def unfolded(body: bytes, coding: str | None, limit: int) -> bytes:
    """The body without its Content-Encoding; TooCostly beyond the limit, Unsupported for another coding."""
    name = (coding or "identity").strip().lower()
    if name == "identity":
        return body
    if name not in GZIP:
        raise Unsupported("A body may be sent as it is, or with Content-Encoding: gzip.")
    found, rest = list[bytes](), body
    while rest:
        if len(found) == MEMBERS:
            raise TooCostly(f"A gzip body may have {MEMBERS} members.")
        member = zlib.decompressobj(_GZIP_BITS)
        try:
            part = member.decompress(rest, limit + 1)
        except zlib.error as error:
            raise NotUnderstood("The body is not gzip, as its Content-Encoding says.") from error
        limit -= len(part)
        if limit < 0:
            raise TooCostly("The body unfolds to more bytes than are taken.")
        if not member.eof:
            raise NotUnderstood("The body ends before its gzip stream does.")
        found.append(part)
        rest = member.unused_data
    return b"".join(found)


def takes_gzip(accept_encoding: str | None) -> bool:
    """True where the client said that it reads gzip."""
    for part in (accept_encoding or "").split(","):
        name, _, rest = part.strip().partition(";")
        if name.strip().lower() in GZIP:
            return rest.replace(" ", "").lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def folded(body: bytes) -> bytes:
    """The body as gzip."""
    member = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_BITS)
    return member.compress(body) + member.flush()


async def folding(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A stream as gzip; what the compressor holds back leaves with the next part."""
    member = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_BITS)
    async for part in parts:
        if out := member.compress(part):
            yield out
    yield member.flush()
