"""
An MLLP sender: one connection, answers in the order of the messages.

HL7 v2 Transport Specification: MLLP, release 1
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Self

from adapters.mllp.framing import Framer, wrap

READ_BYTES = 262_144


class MllpClient:
    """
    `async with MllpClient(host, port) as client: answer = await client.send(message)`.

    Raises OSError when the connection cannot be made or ends before the answer, TimeoutError when the answer takes
    longer than `timeout` seconds. One task at a time may use a client.
    """

    def __init__(self, host: str, port: int, *, timeout: float = 30.0, tls: ssl.SSLContext | None = None) -> None:
        self._host, self._port, self._timeout, self._tls = host, port, timeout, tls
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._framer = Framer()
        self._answers: deque[bytes] = deque()

    async def __aenter__(self) -> Self:
        async with asyncio.timeout(self._timeout):
            self._streams = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.close()
            try:
                async with asyncio.timeout(1):
                    await writer.wait_closed()
            except (OSError, TimeoutError):
                # The other side is gone already.
                return

    async def send(self, raw: bytes) -> bytes:
        """Send one message and wait for its answer."""
        await self.post(raw)
        return await self.receive()

    async def post(self, raw: bytes) -> None:
        """Send without waiting for an answer (MSH-15 and MSH-16 may ask for none)."""
        _, writer = self._open()
        writer.write(wrap(raw))
        async with asyncio.timeout(self._timeout):
            await writer.drain()

    async def receive(self) -> bytes:
        """The next answer."""
        reader, _ = self._open()
        async with asyncio.timeout(self._timeout):
            while not self._answers:
                chunk = await reader.read(READ_BYTES)
                if not chunk:
                    raise ConnectionResetError("The connection ended before the answer.")
                self._answers.extend(frame.data for frame in self._framer.feed(chunk))
        return self._answers.popleft()

    async def send_all(self, messages: Iterable[bytes], *, window: int = 16) -> AsyncIterator[bytes]:
        """Send many with up to `window` unanswered; answers come in the order of the messages."""
        waiting = 0
        for message in messages:
            if waiting == window:
                yield await self.receive()
                waiting -= 1
            await self.post(message)
            waiting += 1
        for _ in range(waiting):
            yield await self.receive()

    def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            raise ConnectionError("The client is not connected.")
        return self._streams
