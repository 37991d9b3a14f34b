"""
The MLLP listener: sockets to conversations; how many there may be, and how they end.

HL7 v2 Transport Specification: MLLP, release 1 and release 2
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from adapters.mllp.conversation import READ_BYTES, Conversation, Handler, Release, Reply
from adapters.mllp.framing import Framer

__all__ = ["Handler", "MllpServer", "Reply"]

_log = structlog.get_logger("adapters.mllp")


@dataclass(slots=True, eq=False)
class _Connection:
    task: asyncio.Task[None]
    conversation: Conversation


def _nobody(_connection: int) -> None:
    """Nobody wants to hear that a connection ended."""


class MllpServer:
    """
    Gives every frame to `handler` and sends what it returns, framed; None sends nothing.

    A frame larger than `max_bytes` comes marked truncated, with at most `keep_bytes` of it. A connection that is
    silent for `idle_seconds`, or one beyond `max_connections`, is closed; `ended` hears the number of each that ends.
    A handler that raises closes its connection without an answer (release 2: is answered NAK), so that the sender
    sends again; no peer can stop the listener.
    """

    def __init__(
        self, handler: Handler, *, host: str = "127.0.0.1", port: int = 0, max_bytes: int = 16_000_000,
        idle_seconds: float = 300.0, max_connections: int = 256, tls: ssl.SSLContext | None = None,
        keep_bytes: int = 64_000_000, grace_seconds: float = 20.0, release: Release = 1,
        ended: Callable[[int], None] = _nobody,
    ) -> None:  # fmt: skip
        self._handler, self._host, self._port, self._tls = handler, host, port, tls
        self._max_bytes, self._keep_bytes = max_bytes, keep_bytes
        self._idle, self._grace, self._most = idle_seconds, grace_seconds, max_connections
        self._release, self._ended = release, ended
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._numbers = itertools.count(1)
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
            connection.conversation.over = True
            if not connection.conversation.busy:
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
        number = next(self._numbers)
        connection = _Connection(task, self._conversation(reader, writer, number))
        self._connections.add(connection)
        try:
            await self._converse(connection.conversation)
        finally:
            self._connections.discard(connection)
            self._ended(number)
            writer.close()

    def _conversation(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> Conversation:  # fmt: skip
        peer = str((writer.get_extra_info("peername") or ("",))[0])
        framer = Framer(max_bytes=self._max_bytes, keep_bytes=self._keep_bytes, peer=peer, connection=number)
        return Conversation(
            reader, writer, framer, self._handler, idle_seconds=self._idle, release=self._release
        )  # fmt: skip

    async def _converse(self, conversation: Conversation) -> None:
        try:
            await conversation.run()
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            _log.info("connection ended", error=type(error).__name__)
        except asyncio.CancelledError:
            # Only `stop` cancels; the stream protocol would log it as a fault.
            pass
        except Exception as error:
            _log.error("message not answered", error=type(error).__name__)
