"""Files under hashed names."""

from __future__ import annotations

import gzip
import re
from importlib import resources

from ui_world import browser

from hie.ui import static


class TestStatic:
    async def test_kept_for_ever(self) -> None:
        """A file's address holds its hash, so it may be kept for ever, packed where the browser takes it."""
        async with browser() as client:
            answer = await client.get(static.url("app.css"), headers={"accept-encoding": "gzip"})

        assert re.fullmatch(r"/static/app\.[0-9a-f]{12}\.css", static.url("app.css"))
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.text.startswith("/*")

    async def test_unknown(self) -> None:
        """An old or made-up name is not found, and that answer is not kept."""
        async with browser() as client:
            answer = await client.get("/static/app.000000000000.css")

        assert answer.status_code == 404
        assert answer.headers["cache-control"] == "no-store"

    def test_first_party(self) -> None:
        """Nothing in the files leads to another site; the pointer has its hashed name."""
        for asset in static._assets().values():
            assert not re.search(rb"https?://(?!www\.w3\.org/)", asset.body)
        assert f"url({static.url('pointer.svg')})".encode() in static._assets()["app.css"].body

    def test_weight(self) -> None:
        """The script stays below 5 KB as written, the style sheet below 8 KB on the wire."""
        folder = resources.files("hie.ui").joinpath("assets")

        assert len(folder.joinpath("app.js").read_bytes()) < 5_000
        assert len(gzip.compress(folder.joinpath("app.css").read_bytes())) < 8_000
