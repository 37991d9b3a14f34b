"""
One MLLP connection: frames to the handler, one at a time, answers back in order; with commits where it is release 2.

Release 2 adds a block of one byte: ACK (0x06) when the message is stored, NAK (0x15) when it could not be, both before
any answer of the application. Our own answers are messages of that kind too, and the sender commits them.
https://www.hl7.org/documentcenter/public/wg/inm/mllp_transport_specification.PDF
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import structlog

from adapters.mllp.framing import Frame, Framer, wrap

Release = Literal[1, 2]
ACK, NAK = b"\x06", b"\x15"
READ_BYTES = 262_144
# A sender that ends its frame without a carriage return is waiting for the answer.
BARE_END_SECONDS = 0.5
# Bytes outside of frames: this is no MLLP peer.
MOST_NOISE = 1_000_000
# A frame that goes on for ever.
MOST_DRAINED = 1_000_000_000
# An answer that the sender could not keep is sent again so often.
MOST_RESENT = 3
_log = structlog.get_logger("adapters.mllp")


@dataclass(frozen=True, slots=True)
class Reply:
    """
    What a handler says of a frame.

    `answer` None sends nothing. `committed` False: it is stored nowhere, the sender has to send it again. `close` ends
    the connection afterwards.
    """

    answer: bytes | None = None
    committed: bool = True
    close: bool = False


Handler = Callable[[Frame], Awaitable[Reply | bytes | None]]


class Conversation:
    """Reads only when what was read before is answered: a handler that waits makes the sender wait."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, framer: Framer, handler: Handler, *,
        idle_seconds: float, release: Release = 1,
    ) -> None:  # fmt: skip
        self._reader, self._writer, self._framer, self._handler = reader, writer, framer, handler
        self._idle, self._release = idle_seconds, release
        self._last, self._resent = b"", 0
        self.busy = False
        self.over = False

    async def run(self) -> None:
        """Until the sender leaves, or `over` is set; what came outside of frames is handed over at the end."""
        try:
            while not self.over:
                frames, self.over = await self._read()
                for frame in frames:
                    await self._take(frame)
        finally:
            noise = self._framer.outside()
            if noise is not None:
                await self._handler(noise)

    async def _read(self) -> tuple[list[Frame], bool]:
        """The frames that the next bytes complete, and whether the connection is at its end."""
        framer = self._framer
        if framer.noise > MOST_NOISE or framer.pending > MOST_DRAINED:
            _log.warning("connection closed: not MLLP, or without an end")
            return framer.close(), True
        bare = framer.ends_open
        try:
            async with asyncio.timeout(BARE_END_SECONDS if bare else self._idle):
                chunk = await self._reader.read(READ_BYTES)
        except TimeoutError:
            return (framer.flush(), False) if bare else (framer.close(), True)
        except (OSError, asyncio.IncompleteReadError):
            return framer.close(), True
        return (framer.feed(chunk), False) if chunk else (framer.close(), True)

    async def _take(self, frame: Frame) -> None:
        self.busy = True
        try:
            if self._release == 2 and frame.data in (ACK, NAK):
                await self._committed(frame.data)
            else:
                await self._answer(frame, await self._handle(frame))
        finally:
            self.busy = False

    async def _handle(self, frame: Frame) -> Reply:
        try:
            found = await self._handler(frame)
        except Exception as error:
            if self._release == 1:
                # No word for "not stored" in release 1: the connection ends, and the sender sends again.
                raise
            _log.error("message not committed", error=type(error).__name__)
            return Reply(committed=False)
        return found if isinstance(found, Reply) else Reply(found)

    async def _answer(self, frame: Frame, reply: Reply) -> None:
        self.over = self.over or reply.close
        if frame.problem:
            return
        if self._release == 2:
            await self._send(ACK if reply.committed else NAK)
            if not reply.committed:
                return
            self._last, self._resent = reply.answer or b"", 0
        if reply.answer is not None:
            await self._send(reply.answer)

    async def _committed(self, said: bytes) -> None:
        """The sender kept our answer, or not: then it comes again, a few times."""
        if said == ACK or not self._last or self._resent >= MOST_RESENT:
            self._last = b""
            return
        self._resent += 1
        await self._send(self._last)

    async def _send(self, block: bytes) -> None:
        self._writer.write(wrap(block))
        # A peer that does not read its answers is as silent as one that does not write.
        async with asyncio.timeout(self._idle):
            await self._writer.drain()
