"""
Item 1: frames as the wire brings them.

Frames come in pieces, several in one read, with noise between them; an oversize frame is answered AR with the right
MSA-2; a silent connection is closed; there are only so many connections; no bad peer stops the listener. What came is
in the journal, also what was no frame.
"""

from __future__ import annotations

import asyncio

import pytest
from hl7v2_socket import Peer, adt, listening, until
from hl7v2_world import Hl7World

from adapters.mllp.framing import wrap


async def kept(hl7: Hl7World, state: str = "rejected") -> list[tuple[str, bytes]]:
    found = await hl7.services.journal.search(state=state, limit=100)
    return [(one.reason, await hl7.services.journal.raw(one.id)) for one in found]


class TestFrames:
    @pytest.mark.parametrize("size", [1, 7, 100_000])
    async def test_split_and_merged(self, hl7: Hl7World, size: int) -> None:
        """Byte by byte, in small pieces, or all in one write: each message once, answered in order."""
        stream = b"".join(wrap(adt(f"S{number}")) for number in range(5))
        async with listening(hl7) as server, Peer.of(server) as peer:
            for at in range(0, len(stream), size):
                await peer.write(stream[at : at + size])
            answers = [await peer.answer() for _ in range(5)]
        await hl7.drain()

        assert [f"MSA|AA|S{n}\r".encode() in one for n, one in enumerate(answers)] == [True] * 5
        assert (await hl7.services.journal.counts())["committed"] == 5

    async def test_split_character(self, hl7: Hl7World) -> None:
        """A character that is cut in two by a packet arrives whole."""
        frame = wrap(adt("1"))
        cut = frame.index("晓".encode()) + 1
        async with listening(hl7) as server, Peer.of(server) as peer:
            await peer.write(frame[:cut])
            await asyncio.sleep(0.05)
            await peer.write(frame[cut:])
            await peer.answer()
        await hl7.drain()

        assert (await hl7.one("Patient"))["name"][0]["text"] == "王晓梅"

    async def test_noise(self, hl7: Hl7World) -> None:
        """Bytes between frames harm no message, and are kept with the reason why they are no message."""
        async with listening(hl7) as server:
            async with Peer.of(server) as peer:
                await peer.write(b"\x00keepalive" + wrap(adt("1")) + b"\r\n\r\n" + wrap(adt("2")) + b"tail")
                assert b"MSA|AA|1" in await peer.answer()
                assert b"MSA|AA|2" in await peer.answer()
            await until(lambda: self._noticed(hl7))

        assert await kept(hl7) == [("Bytes outside of frames; 14 came.", b"\x00keepalivetail")]

    @staticmethod
    async def _noticed(hl7: Hl7World) -> bool:
        return bool(await kept(hl7))

    async def test_noise_is_bounded(self, hl7: Hl7World) -> None:
        """Of endless noise a bounded part is kept, and the connection is ended."""
        async with listening(hl7) as server:
            async with Peer.of(server) as peer:
                try:
                    for _ in range(40):
                        await peer.write(b"x" * 65_536)
                except ConnectionError:
                    pass
                assert await peer.ended()
            await until(lambda: self._noticed(hl7))

        ((reason, raw),) = await kept(hl7)
        assert "outside of frames" in reason
        assert len(raw) == 65_536

    async def test_bare_end(self, hl7: Hl7World) -> None:
        """A sender that leaves out the carriage return behind the end is answered."""
        async with listening(hl7) as server, Peer.of(server) as peer:
            await peer.write(wrap(adt("1"))[:-1])
            assert b"MSA|AA|1" in await peer.answer()

    async def test_cut_off(self, hl7: Hl7World) -> None:
        """A message whose connection ended is kept and not answered; sent again it is taken."""
        async with listening(hl7) as server:
            async with Peer.of(server) as peer:
                await peer.write(wrap(adt("1"))[:90])
            await until(lambda: self._noticed(hl7))
            async with Peer.of(server) as again:
                assert b"MSA|AA|1" in await again.ask(adt("1"))

        ((reason, raw),) = await kept(hl7)
        assert "ended inside" in reason
        assert raw == adt("1")[:89]


class TestLimits:
    async def test_oversize(self, hl7: Hl7World) -> None:
        """Too large: AR with the sender's control id, all of it kept; the connection goes on."""
        large = adt("BIG-77", "NTE|1||" + "x" * 300_000)
        async with listening(hl7, mllp_max_bytes=100_000) as server, Peer.of(server) as peer:
            answer = await peer.ask(large)
            assert b"MSA|AR|BIG-77" in answer
            assert b"MSA|AA|2" in await peer.ask(adt("2"))

        ((reason, raw),) = await kept(hl7)
        assert "at most" in reason
        assert raw == large

    async def test_idle(self, hl7: Hl7World) -> None:
        """A silent connection is closed; one that speaks is not."""
        async with listening(hl7, mllp_idle_seconds=0.6) as server, Peer.of(server) as silent, Peer.of(server) as busy:
            for number in range(6):
                await asyncio.sleep(0.2)
                assert b"MSA|AA|" in await busy.ask(adt(str(number)))
            assert await silent.ended()
            assert server.connections == 1

    async def test_connections(self, hl7: Hl7World) -> None:
        """One connection too many is closed; those that are there go on, and when one leaves there is room."""
        async with listening(hl7, mllp_max_connections=2) as server, Peer.of(server) as one:
            async with Peer.of(server) as two:
                assert b"MSA|AA|1" in await one.ask(adt("1"))
                assert b"MSA|AA|2" in await two.ask(adt("2"))
                async with Peer.of(server) as three:
                    assert await three.ended()
                assert b"MSA|AA|3" in await one.ask(adt("3"))
            await until(lambda: self._room(server.connections))
            async with Peer.of(server) as four:
                assert b"MSA|AA|4" in await four.ask(adt("4"))

    @staticmethod
    async def _room(_connections: int) -> bool:
        await asyncio.sleep(0.1)
        return True


class TestNeverDies:
    async def test_bad_peers(self, hl7: Hl7World) -> None:
        """Web browsers, TLS handshakes, empty frames, resets, headless frames: afterwards everything works."""
        nasty = (
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"\x0b\x1c\r" * 100, b"\x0b" * 500,
            wrap(b""), wrap(b"MSH"), wrap(b"MSH|"), wrap(b"MSH|^~\\&"), wrap(b"\xff\xfe" * 999), b"\x1c\r\x1c\r",
            wrap(adt("x"))[:40], wrap(b"MSH|^~\\&|" + b"|" * 70_000), b"\x06", b"\x15",
        )  # fmt: skip
        async with listening(hl7) as server:
            for data in nasty:
                async with Peer.of(server) as peer:
                    await peer.write(data)
                    peer.writer.transport.abort()
            async with Peer.of(server) as peer:
                assert b"MSA|AA|good" in await peer.ask(adt("good"))
        await hl7.drain()

        assert (await hl7.services.journal.counts())["committed"] == 1

    async def test_slow_reader(self, hl7: Hl7World) -> None:
        """A peer that never reads its answers holds up itself, and nobody else."""
        async with listening(hl7) as server, Peer.of(server) as deaf, Peer.of(server) as other:
            deaf.writer.write(b"".join(wrap(adt(f"D{n}")) for n in range(50)))
            assert b"MSA|AA|1" in await other.ask(adt("1"))

    async def test_release_2(self, hl7: Hl7World) -> None:
        """A listener of release 2 commits after the store, before the answer."""
        async with listening(hl7, release=2) as server, Peer.of(server) as peer:
            await peer.write(wrap(adt("1")))
            assert await peer.answer() == b"\x06"
            assert (await hl7.services.journal.counts())["received"] == 1
            assert b"MSA|AA|1" in await peer.answer()
            await peer.write(wrap(b"\x06") + wrap(adt("2")))
            assert await peer.answer() == b"\x06"
            assert b"MSA|AA|2" in await peer.answer()
