"""
First-party files under names that hold their content's hash, so that a browser keeps them for ever.

https://www.rfc-editor.org/rfc/rfc8246
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PATH = "/static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
NAMES = ("pointer.svg", "icon.svg", "app.css", "app.js")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file; `name` holds the hash."""

    name: str
    media_type: str
    body: bytes
    packed: bytes


def url(name: str) -> str:
    """The address of a file by its plain name, such as app.css."""
    return f"{PATH}/{_assets()[name].name}"


def routes() -> list[Route]:
    """Serves every file; mount it once in an application."""
    return [Route(f"{PATH}/{{name}}", _serve, methods=["GET", "HEAD"])]


async def _serve(request: Request) -> Response:
    asset = {one.name: one for one in _assets().values()}.get(request.path_params["name"])
    if asset is None:
        return Response(status_code=404, headers={"Cache-Control": "no-store"})
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Type": asset.media_type,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Vary": "Accept-Encoding",
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.body, headers=headers)


@cache
def _assets() -> dict[str, Asset]:
    found: dict[str, Asset] = {}
    folder = resources.files("hie.ui").joinpath("assets")
    for name in NAMES:
        body = _linked(folder.joinpath(name).read_text("utf-8"), found).encode()
        stem, _, ending = name.rpartition(".")
        hashed = f"{stem}.{hashlib.sha256(body).hexdigest()[:12]}.{ending}"
        found[name] = Asset(hashed, TYPES[f".{ending}"], body, gzip.compress(body, 9, mtime=0))
    return found


def _linked(text: str, known: dict[str, Asset]) -> str:
    """Addresses of other files, as `asset(name)`, become their hashed ones."""
    return re.sub(r"asset\(([\w.]+)\)", lambda found: f"url({PATH}/{known[found[1]].name})", text)
