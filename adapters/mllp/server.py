"""
The MLLP listener: sockets to frames, answers back; one message at a time on each connection, answers in order.

HL7 v2 Transport Specification: MLLP, release 1
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from adapters.mllp.framing import Frame, Framer, wrap

Handler = Callable[[Frame], Awaitable[bytes | None]]
_log = structlog.get_logger("adapters.mllp")

READ_BYTES = 262_144
# A sender that ends its frame without a carriage return is waiting for the answer.
BARE_END_SECONDS = 0.5
# Bytes outside of frames: this is no MLLP peer.
MOST_NOISE = 1_000_000
# A frame that goes on for ever.
MOST_DRAINED = 1_000_000_000


@dataclass(slots=True, eq=False)
class _Connection:
    task: asyncio.Task[None]
    busy: bool = False


class MllpServer:
    """
    Gives every frame to `handler` and sends what it returns, framed; None sends nothing.

    A frame larger than `max_bytes` comes marked truncated, with at most `keep_bytes` of it. A connection that is
    silent for `idle_seconds`, or one beyond `max_connections`, is closed. A handler that raises closes its connection
    without an answer, so that the sender sends again; no peer can stop the listener.
    """

    def __init__(
        self, handler: Handler, *, host: str = "127.0.0.1", port: int = 0, max_bytes: int = 16_000_000,
        idle_seconds: float = 300.0, max_connections: int = 256, tls: ssl.SSLContext | None = None,
        keep_bytes: int = 64_000_000, grace_seconds: float = 20.0,
    ) -> None:  # fmt: skip
        self._handler, self._host, self._port, self._tls = handler, host, port, tls
        self._max_bytes, self._keep_bytes = max_bytes, keep_bytes
        self._idle, self._grace, self._most = idle_seconds, grace_seconds, max_connections
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._stopping = False

    @property
    def port(self) -> int:
        """The port it listens on; the real one where 0 was asked for."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server and self._server.sockets else self._port

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        self._stopping = False
        self._server = await asyncio.start_server(
            self._connected, self._host, self._port, ssl=self._tls, backlog=1024, limit=READ_BYTES
        )

    async def stop(self) -> None:
        """No new connections; messages being handled are answered, then all connections are closed."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            if not connection.busy:
                connection.task.cancel()
        tasks = {connection.task for connection in self._connections}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._stopping or len(self._connections) >= self._most:
            _log.warning("connection refused", connections=len(self._connections))
            writer.close()
            return
        connection = _Connection(task)
        self._connections.add(connection)
        try:
            await self._converse(connection, reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            _log.info("connection ended", error=type(error).__name__)
        except asyncio.CancelledError:
            # Only `stop` cancels; the stream protocol would log it as a fault.
            pass
        except Exception as error:
            _log.error("message not answered", error=type(error).__name__)
        finally:
            self._connections.discard(connection)
            writer.close()

    async def _converse(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        peer = str((writer.get_extra_info("peername") or ("",))[0])
        framer = Framer(max_bytes=self._max_bytes, keep_bytes=self._keep_bytes, peer=peer)
        while not self._stopping:
            frames, ended = await self._read(reader, framer)
            for frame in frames:
                await self._answer(connection, frame, writer)
            if ended:
                return

    async def _read(self, reader: asyncio.StreamReader, framer: Framer) -> tuple[list[Frame], bool]:
        """The frames that the next bytes complete, and whether the connection is at its end."""
        if framer.noise > MOST_NOISE or framer.pending > MOST_DRAINED:
            _log.warning("connection closed: not MLLP, or without an end")
            return framer.close(), True
        bare = framer.ends_open
        try:
            async with asyncio.timeout(BARE_END_SECONDS if bare else self._idle):
                chunk = await reader.read(READ_BYTES)
        except TimeoutError:
            return (framer.flush(), False) if bare else (framer.close(), True)
        except (OSError, asyncio.IncompleteReadError):
            return framer.close(), True
        return (framer.feed(chunk), False) if chunk else (framer.close(), True)

    async def _answer(self, connection: _Connection, frame: Frame, writer: asyncio.StreamWriter) -> None:
        connection.busy = True
        try:
            answer = await self._handler(frame)
            if answer is not None and not frame.problem:
                writer.write(wrap(answer))
                # A peer that does not read its answers is as silent as one that does not write.
                async with asyncio.timeout(self._idle):
                    await writer.drain()
        finally:
            connection.busy = False
