"""A lean HTTP client: one keep-alive connection, so that the measurement is of the server and not of its client."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers by lower-case name, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        """The body as JSON."""
        decoded: dict[str, object] = msgspec.json.decode(self.body)
        return decoded


@dataclass(slots=True)
class Http:
    """Connects at the first request. The server must name a Content-Length, as the exchange does but for streams."""

    port: int
    headers: Mapping[str, str] = field(default_factory=dict)
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __call__(self, method: str, path: str, body: bytes = b"") -> Reply:
        """One request; raises AssertionError where the server refuses, for a refusal is not what is measured."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.port, limit=64_000_000)
        reader, writer = self._streams
        writer.write(self._head(method, path, len(body)) + body)
        reply = await _read(reader)
        assert reply.status < 400, f"{method} {path}: {reply.status} {reply.body[:500]!r}"
        return reply

    def _head(self, method: str, path: str, length: int) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {length}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def close(self) -> None:
        """End the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _read(reader: asyncio.StreamReader) -> Reply:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    length = int(headers.get("content-length", "0"))
    return Reply(int(head[0].split()[1]), headers, await reader.readexactly(length) if length else b"")
