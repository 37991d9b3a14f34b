"""A hospital that receives: a real MLLP server that accepts, refuses, delays and drops as it is told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ssl import SSLContext

from adapters.hl7v2.ack import acknowledge
from adapters.hl7v2.message import Message
from adapters.hl7v2.parser import parse, read_header
from adapters.hl7v2.site import Site
from adapters.mllp.conversation import Release
from adapters.mllp.framing import Frame
from adapters.mllp.server import MllpServer

SITE = Site("hospital", authority="urn:hie:authority:H02")
Reply = Callable[[Message], Awaitable[bytes | None]]


class Drop(Exception):
    """The connection ends without an answer."""


@dataclass
class Hospital:
    """`raw` and `messages` are what came, in order; `script` is what the next answers are, then AA."""

    raw: list[bytes] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    script: deque[str] = field(default_factory=deque)
    answers: dict[str, str] = field(default_factory=dict)  # by trigger, before the script
    delay: float = 0.0
    under_way: int = 0
    most_at_once: int = 0
    server: MllpServer | None = None

    async def take(self, frame: Frame) -> bytes | None:
        message = parse(frame.data, site=SITE)
        self.raw.append(frame.data)
        self.messages.append(message)
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await asyncio.sleep(self.delay)
        finally:
            self.under_way -= 1
        code = self.answers.get(message.trigger) or (self.script.popleft() if self.script else "AA")
        if code == "drop":
            raise Drop
        return answer(frame.data, code)

    @property
    def controls(self) -> list[str]:
        return [message.control_id for message in self.messages]

    @property
    def kinds(self) -> list[str]:
        return [message.type for message in self.messages]

    async def start(self, port: int = 0, *, tls: SSLContext | None = None, release: Release = 1) -> int:
        self.server = MllpServer(self.take, port=port, tls=tls, release=release)
        await self.server.start()
        return self.server.port

    async def stop(self) -> None:
        if self.server is not None:
            await self.server.stop()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, port: int = 0, *, tls: SSLContext | None = None, release: Release = 1
    ) -> AsyncIterator[Hospital]:
        one = cls()
        await one.start(port, tls=tls, release=release)
        try:
            yield one
        finally:
            await one.stop()


def answer(raw: bytes, code: str) -> bytes | None:
    """An acknowledgement with any code, also CA, CE, CR and nonsense."""
    made = acknowledge(read_header(raw), "AA", clock=lambda: datetime.now(UTC))
    return (made or b"").replace(b"MSA|AA|", f"MSA|{code}|".encode()).replace(b"MSA|CA|", f"MSA|{code}|".encode())
