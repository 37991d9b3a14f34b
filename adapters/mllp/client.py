"""
An MLLP sender: one connection, answers in the order of the messages.

With release 2 each message is first committed: the receiver answers a block of one byte, ACK or NAK, before its
answer, and waits for one of ours after it. A receiver that sends commit blocks unasked is spoken to in the same way.
HL7 v2 Transport Specification: MLLP, release 1 and release 2
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
ACK, NAK = b"\x06", b"\x15"


class NotCommitted(ConnectionError):
    """The receiver answered NAK: it could not keep the message, which is to be sent again."""


class MllpClient:
    """
    `async with MllpClient(host, port) as client: answer = await client.send(message)`.

    Raises OSError when the connection cannot be made or ends before the answer, TimeoutError when the answer takes
    longer than `timeout` seconds, NotCommitted (an OSError) for a negative commit. One task at a time may use a client.
    """

    def __init__(
        self, host: str, port: int, *, timeout: float = 30.0, tls: ssl.SSLContext | None = None, release: int = 1
    ) -> None:
        self._host, self._port, self._timeout, self._tls = host, port, timeout, tls
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._framer = Framer()
        self._answers: deque[bytes] = deque()
        self.release = release

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

    @property
    def closed(self) -> bool:
        """True where the other side has ended the connection, as far as is known without reading."""
        return self._streams is None or self._streams[0].at_eof() or self._streams[1].is_closing()

    async def send(self, raw: bytes) -> bytes:
        """Send one message and wait for its answer."""
        await self.post(raw)
        return await self.receive()

    async def post(self, raw: bytes) -> None:
        """Send without waiting for an answer (MSH-15 and MSH-16 may ask for none); release 2 waits for the commit."""
        await self._write(raw)
        if self.release == 2:
            committed = await self._next()
            if committed == NAK:
                raise NotCommitted("The receiver could not commit the message.")
            if committed != ACK:
                # It does not speak release 2: what came is the answer.
                self.release = 1
                self._answers.appendleft(committed)

    async def receive(self) -> bytes:
        """The next answer; it is committed where the receiver speaks release 2."""
        answer = await self._next()
        if answer == NAK:
            raise NotCommitted("The receiver could not commit the message.")
        if answer == ACK:
            self.release = 2
            answer = await self._next()
        if self.release == 2:
            await self._write(ACK)
        return answer

    async def _write(self, block: bytes) -> None:
        _, writer = self._open()
        writer.write(wrap(block))
        async with asyncio.timeout(self._timeout):
            await writer.drain()

    async def _next(self) -> bytes:
        reader, _ = self._open()
        async with asyncio.timeout(self._timeout):
            while not self._answers:
                chunk = await reader.read(READ_BYTES)
                if not chunk:
                    raise ConnectionResetError("The connection ended before the answer.")
                self._answers.extend(frame.data for frame in self._framer.feed(chunk))
        return self._answers.popleft()

    async def send_all(self, messages: Iterable[bytes], *, window: int = 16) -> AsyncIterator[bytes]:
        """
        Send many with up to `window` unanswered; answers come in the order of the messages.

        Release 2 answers one message before it takes the next.
        """
        waiting = 0
        for message in messages:
            while waiting and waiting >= (1 if self.release == 2 else window):
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
