"""A receiver of notifications: a small HTTP server on a real socket that remembers what it was sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from free_ports import free_port

Json = dict[str, Any]


@dataclass
class Sent:
    """One request that arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.body)

    @property
    def status(self) -> dict[str, Any]:
        """The simple parameters of the status that a notification begins with."""
        return parts(self.json["entry"][0]["resource"]["parameter"])

    @property
    def kind(self) -> str:
        return self.status["type"]

    @property
    def events(self) -> list[dict[str, Any]]:
        return events_of(self.json)

    @property
    def numbers(self) -> list[int]:
        return [int(one["event-number"]) for one in self.events]


def parts(parameters: list[Json]) -> dict[str, Any]:
    return {
        one["name"]: next(value for name, value in one.items() if name.startswith("value"))
        for one in parameters
        if "part" not in one
    }


def events_of(bundle: Json) -> list[dict[str, Any]]:
    first = bundle["entry"][0]["resource"]["parameter"]
    return [parts(one["part"]) for one in first if one["name"] == "notification-event"]


@dataclass
class Receiver:
    """`answers` decides the status of each answer; while `open` is not set, no answer is given."""

    port: int = field(default_factory=free_port)
    sent: list[Sent] = field(default_factory=list)
    answers: Callable[[Sent], int] = lambda sent: 200
    headers: str = ""
    open: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @classmethod
    @asynccontextmanager
    async def listening(cls) -> AsyncIterator[Receiver]:
        receiver = cls()
        receiver.open.set()
        await receiver.start()
        try:
            yield receiver
        finally:
            receiver.open.set()
            await receiver.stop()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in self._writers:
                writer.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                sent = await self._read(head, reader)
                self.sent.append(sent)
                await self.open.wait()
                status = self.answers(sent)
                writer.write(f"HTTP/1.1 {status} Said\r\n{self.headers}Content-Length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _read(self, head: bytes, reader: asyncio.StreamReader) -> Sent:
        first, *lines = head.decode().strip().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Sent(method, path, headers, body)

    @property
    def told(self) -> list[Sent]:
        """The notifications of events among what arrived."""
        return [one for one in self.sent if one.body and one.kind == "event-notification"]

    @property
    def numbers(self) -> list[int]:
        return [number for one in self.told for number in one.numbers]
