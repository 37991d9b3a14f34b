"""A listener of the tests' exchange on a socket, and a sender that writes bytes as it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from hl7v2_world import Hl7World

from adapters.mllp.framing import wrap
from adapters.mllp.server import MllpServer
from hie.exchange.listeners import Listener
from hie.exchange.mllp_door import mllp_server

PID = "PID|1||L1^^^H01^MR||王^晓梅||19850612|F"


def adt(control: str, *more: str, patient: str = "L1", sender: str = "HIS|H01", at: str = "20261124080000") -> bytes:
    lines = [
        f"MSH|^~\\&|{sender}|HIE|ZB|{at}||ADT^A01^ADT_A01|{control}|P|2.5.1|||||CHN|UNICODE UTF-8",
        f"EVN||{at}", PID.replace("L1", patient), "PV1|1|I|W1", *more,
    ]  # fmt: skip
    return ("\r".join(lines) + "\r").encode()


@asynccontextmanager
async def listening(hl7: Hl7World, *, release: Any = 1, **settings: Any) -> AsyncIterator[MllpServer]:
    changed = hl7.services.settings.model_copy(update=settings)
    server = mllp_server(hl7.services.intake, changed, Listener(0, "127.0.0.1", release=release))
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@dataclass
class Peer:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    @asynccontextmanager
    async def of(cls, server: MllpServer) -> AsyncIterator[Peer]:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> bytes:
        async with asyncio.timeout(10):
            return (await self.reader.readuntil(b"\x1c\r"))[1:-2]

    async def ask(self, message: bytes) -> bytes:
        await self.write(wrap(message))
        return await self.answer()

    async def ended(self) -> bool:
        """The other side closes, and says nothing more."""
        async with asyncio.timeout(10):
            try:
                return await self.reader.read() == b""
            except ConnectionError:
                return True


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():
            await asyncio.sleep(0.02)
