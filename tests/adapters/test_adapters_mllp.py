"""The listener and the sender over real sockets, also with the peer of the hl7 package, and over TLS."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hl7
import pytest
from adapters_messages import admission, clock
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hl7.mllp import open_hl7_connection

from adapters.hl7v2.ack import acknowledge
from adapters.hl7v2.parser import read_header
from adapters.mllp.client import MllpClient, NotCommitted
from adapters.mllp.framing import Frame, wrap
from adapters.mllp.server import Handler, MllpServer, Reply
from adapters.mllp.tls import client_context, server_context


class Hospital:
    """Answers AA and remembers; can be slow, silent or broken by what a message says."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()

    async def __call__(self, frame: Frame) -> bytes | None:
        self.frames.append(frame)
        self.arrived.set()
        await self.gate.wait()
        if b"|broken|" in frame.data:
            raise RuntimeError("secret")
        if frame.problem or b"|silent|" in frame.data or not frame.data.startswith(b"MSH"):
            return None
        return acknowledge(read_header(frame.data), "AA", clock=clock)


@asynccontextmanager
async def listening(handler: Handler, **settings: Any) -> AsyncIterator[MllpServer]:
    server = MllpServer(handler, **settings)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def client(server: MllpServer, **settings: Any) -> MllpClient:
    return MllpClient("127.0.0.1", server.port, timeout=5, **settings)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


class TestConversation:
    async def test_answers_in_order(self) -> None:
        """One connection, many messages, each answered in turn; also with many under way."""
        async with listening(Hospital()) as server, client(server) as sender:
            assert b"MSA|AA|one" in await sender.send(admission(control="one"))
            answers = [
                answer async for answer in sender.send_all((admission(control=f"m{n}") for n in range(50)), window=9)
            ]

        assert [f"MSA|AA|m{n}\r".encode() in answer for n, answer in enumerate(answers)] == [True] * 50

    async def test_split_merged_and_noisy(self) -> None:
        """Frames split over packets, several in one packet, noise between them."""
        hospital = Hospital()
        async with listening(hospital) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            stream = b"noise" + wrap(admission(control="1")) + b"\r\n" + wrap(admission(control="2"))
            for at in range(0, len(stream), 37):
                writer.write(stream[at : at + 37])
                await writer.drain()
                await asyncio.sleep(0.002)
            for control in (b"1", b"2"):
                assert b"MSA|AA|" + control in await reader.readuntil(b"\x1c\r")
            writer.close()

        *messages, noise = hospital.frames
        assert [frame.data for frame in messages] == [admission(control="1"), admission(control="2")]
        assert (noise.data, noise.problem, noise.total) == (b"noise", "noise", 5)
        assert {frame.peer for frame in hospital.frames} == {"127.0.0.1"}

    async def test_without_carriage_return(self) -> None:
        """A sender that never sends the last byte is answered after a moment."""
        async with listening(Hospital()) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(wrap(admission())[:-1])

            async with asyncio.timeout(3):
                assert b"MSA|AA|C1" in await reader.readuntil(b"\x1c\r")
            writer.close()

    async def test_hl7_package(self) -> None:
        """The client of the hl7 package is served."""
        async with listening(Hospital()) as server:
            reader, writer = await open_hl7_connection("127.0.0.1", server.port, encoding="utf-8")
            for control in ("1", "2"):
                writer.writemessage(hl7.parse(admission(control=control).decode()))
                await writer.drain()
                assert str((await reader.readmessage()).segment("MSA")[2]) == control
            writer.close()
            await writer.wait_closed()

    async def test_silence(self) -> None:
        """No answer where none is wanted; the next message is answered."""
        async with listening(Hospital()) as server, client(server) as sender:
            await sender.post(admission(control="1").replace(b"ZIBO", b"silent"))

            assert b"MSA|AA|2" in await sender.send(admission(control="2"))

    async def test_one_at_a_time(self) -> None:
        """A second message of a connection waits for the first; another connection does not."""
        hospital = Hospital()
        hospital.gate.clear()
        async with listening(hospital) as server, client(server) as one, client(server) as two:
            await one.post(admission(control="1"))
            await one.post(admission(control="2"))
            await two.post(admission(control="3"))
            await until(lambda: len(hospital.frames) == 2)
            await asyncio.sleep(0.05)
            assert {read_header(frame.data).control_id for frame in hospital.frames} == {"1", "3"}
            hospital.gate.set()
            assert b"MSA|AA|1" in await one.receive()
            assert b"MSA|AA|2" in await one.receive()


async def blocks(reader: asyncio.StreamReader, count: int) -> list[bytes]:
    async with asyncio.timeout(5):
        return [(await reader.readuntil(b"\x1c\r"))[1:-2] for _ in range(count)]


class TestRelease2:
    async def test_commit(self) -> None:
        """Stored: the commit comes as a block of its own before the answer; the sender's own commit is no message."""
        hospital = Hospital()
        async with listening(hospital, release=2) as server, client(server, release=2) as sender:
            for number in range(3):
                assert f"MSA|AA|{number}".encode() in await sender.send(admission(control=str(number)))

        assert [read_header(frame.data).control_id for frame in hospital.frames] == ["0", "1", "2"]

    @pytest.mark.parametrize("release", [1, 2])
    async def test_many(self, release: int) -> None:
        """Many in a row are each committed and answered in order, also to a sender that learns of release 2 by it."""
        async with listening(Hospital(), release=2) as server, client(server, release=release) as sender:
            messages = [admission(control=str(number)) for number in range(9)]
            answers = [answer async for answer in sender.send_all(messages, window=4)]

        assert [f"MSA|AA|{number}".encode() in answer for number, answer in enumerate(answers)] == [True] * 9
        assert sender.release == 2

    async def test_not_committed(self) -> None:
        """What could not be stored is answered NAK and nothing else; the connection goes on."""

        async def full(frame: Frame) -> Reply:
            return Reply(b"MSA|AR", committed=b"|broken|" not in frame.data)

        async with listening(full, release=2) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(wrap(admission().replace(b"ZIBO", b"broken")) + wrap(admission()))
            assert await blocks(reader, 3) == [b"\x15", b"\x06", b"MSA|AR"]
            writer.close()

    async def test_failure(self) -> None:
        """A fault of our own is NAK as well: the sender keeps the message, and the connection lives."""
        async with listening(Hospital(), release=2) as server, client(server, release=2) as sender:
            with pytest.raises(NotCommitted):
                await sender.send(admission().replace(b"ZIBO", b"broken"))
            assert b"MSA|AA|C1" in await sender.send(admission())

    async def test_answer_again(self) -> None:
        """A sender that could not keep our answer gets it again, a few times and not for ever."""
        async with listening(Hospital(), release=2) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(wrap(admission()))
            _, answer = await blocks(reader, 2)
            for _ in range(3):
                writer.write(wrap(b"\x15"))
                assert await blocks(reader, 1) == [answer]
            writer.write(wrap(b"\x15") + wrap(admission(control="next")))
            assert (await blocks(reader, 2))[0] == b"\x06"
            writer.close()

    async def test_no_answer_wanted(self) -> None:
        """Also where no answer is wanted, the commit comes."""
        async with listening(Hospital(), release=2) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(wrap(admission().replace(b"ZIBO", b"silent")))
            assert await blocks(reader, 1) == [b"\x06"]
            writer.close()


class TestBackPressure:
    async def test_waiting_handler(self) -> None:
        """While a handler waits nothing more is read: the sender's own writes come to a stop, and nothing is lost."""
        hospital = Hospital()
        hospital.gate.clear()
        async with listening(hospital) as server:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            frames = [wrap(admission(control=str(n)) + b"NTE|1||" + b"x" * 500_000) for n in range(40)]
            sending = asyncio.create_task(self._send(writer, frames))
            await hospital.arrived.wait()
            await asyncio.sleep(0.3)
            assert not sending.done()
            hospital.gate.set()
            await sending
            await until(lambda: len(hospital.frames) == 40)
            writer.close()

        assert [read_header(frame.data).control_id for frame in hospital.frames] == [str(n) for n in range(40)]

    @staticmethod
    async def _send(writer: asyncio.StreamWriter, frames: list[bytes]) -> None:
        for frame in frames:
            writer.write(frame)
            await writer.drain()

    async def test_close(self) -> None:
        """A handler may end the connection after its answer, and hears of each one that ended."""
        ended: list[int] = []

        async def refuse(_frame: Frame) -> Reply:
            return Reply(b"MSH|refused", committed=False, close=True)

        async with listening(refuse, ended=ended.append) as server, client(server) as sender:
            assert await sender.send(admission()) == b"MSH|refused"
            with pytest.raises(ConnectionError):
                await sender.send(admission())
            await until(lambda: ended == [1])


class TestTrouble:
    async def test_too_large(self) -> None:
        """A frame over the limit comes marked, up to what is kept; the connection goes on."""
        hospital = Hospital()
        async with listening(hospital, max_bytes=1000, keep_bytes=5000) as server, client(server) as sender:
            raw = admission(control="big") + b"NTE|1||" + b"x" * 300_000
            assert b"MSA|AA|big" in await sender.send(raw)
            assert b"MSA|AA|next" in await sender.send(admission(control="next"))

        frame = hospital.frames[0]
        assert (frame.truncated, frame.total, frame.data) == (True, len(raw), raw[:5000])
        assert not hospital.frames[1].truncated

    async def test_cut_off(self) -> None:
        """A connection that ends inside a frame: what came is handed over with the problem."""
        hospital = Hospital()
        async with listening(hospital) as server:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(wrap(admission())[:60])
            await writer.drain()
            writer.close()
            await until(lambda: bool(hospital.frames))

        assert (hospital.frames[0].problem, hospital.frames[0].data) == ("truncated", admission()[:59])

    async def test_bad_peers(self) -> None:
        """Resets, garbage and a handler's own failure end a connection, never the listener."""
        async with listening(Hospital()) as server:
            for garbage in (
                b"GET / HTTP/1.1\r\n\r\n",
                b"\x0b\x1c\r" * 50,
                b"\xff" * 2_000_000,
                b"\x16\x03\x01\x02\x00\x01",
            ):
                _, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(garbage)
                writer.transport.abort()
            async with client(server) as broken:
                with pytest.raises(ConnectionError):
                    await broken.send(admission().replace(b"ZIBO", b"broken"))
            async with client(server) as sender:
                assert b"MSA|AA|C1" in await sender.send(admission())

    async def test_endless_noise(self) -> None:
        """Who sends a megabyte and no frame is no MLLP peer."""
        async with listening(Hospital()) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            with contextlib.suppress(ConnectionError):
                for _ in range(40):
                    writer.write(b"x" * 65_536)
                    await writer.drain()
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(5):
                    assert await reader.read() == b""
            writer.close()
            await until(lambda: server.connections == 0)

    async def test_idle(self) -> None:
        """A silent connection is closed, and half a frame is handed over."""
        hospital = Hospital()
        async with listening(hospital, idle_seconds=0.2) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"\x0bMSH|half")
            async with asyncio.timeout(3):
                assert await reader.read() == b""
            writer.close()

        assert hospital.frames == [Frame(b"MSH|half", False, 8, "127.0.0.1", "truncated")]

    async def test_connection_limit(self) -> None:
        """One too many is closed at once; when one leaves, there is room again."""
        async with listening(Hospital(), max_connections=2) as server:
            async with client(server) as first, client(server) as second:
                assert await first.send(admission())
                assert await second.send(admission())
                async with client(server) as third:
                    with pytest.raises(ConnectionError):
                        await third.send(admission())
            await until(lambda: server.connections == 0)
            async with client(server) as again:
                assert await again.send(admission())

    async def test_no_listener(self) -> None:
        """A refused connection is an OSError, a missing answer a TimeoutError."""
        server = MllpServer(Hospital())
        await server.start()
        port = server.port
        async with MllpClient("127.0.0.1", port, timeout=0.1) as sender:
            with pytest.raises(TimeoutError):
                await sender.send(admission().replace(b"ZIBO", b"silent"))
        await server.stop()

        with pytest.raises(OSError):
            async with MllpClient("127.0.0.1", port, timeout=1):
                pass


class TestStop:
    async def test_drains(self) -> None:
        """What is being handled is answered; idle connections are closed; nothing new is accepted."""
        hospital = Hospital()
        hospital.gate.clear()
        server = MllpServer(hospital)
        await server.start()
        async with client(server) as busy, client(server) as idle:
            await busy.post(admission())
            await hospital.arrived.wait()
            stopping = asyncio.create_task(server.stop())
            await asyncio.sleep(0.05)
            assert not stopping.done()
            hospital.gate.set()
            assert b"MSA|AA|C1" in await busy.receive()
            with pytest.raises(ConnectionError):
                await idle.send(admission())
            await stopping

        assert server.connections == 0

    async def test_does_not_wait_for_ever(self) -> None:
        """A handler that never ends is cancelled after the grace."""
        hospital = Hospital()
        hospital.gate.clear()
        server = MllpServer(hospital, grace_seconds=0.1)
        await server.start()
        async with client(server) as sender:
            await sender.post(admission())
            await hospital.arrived.wait()
            async with asyncio.timeout(3):
                await server.stop()

        assert server.connections == 0


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    files = folder / f"{name}.pem", folder / f"{name}.key"
    files[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


class TestTls:
    async def test_encrypted(self, tmp_path: Path) -> None:
        """A sender that trusts the certificate is served; a plain one is not, and harms nobody."""
        cert, key = certificate(tmp_path, "server")
        async with listening(Hospital(), tls=server_context(cert, key)) as server:
            async with client(server) as plain:
                with pytest.raises(OSError):
                    await plain.send(admission())
            async with MllpClient("localhost", server.port, timeout=5, tls=client_context(cert)) as sender:
                assert b"MSA|AA|C1" in await sender.send(admission())

    async def test_mutual(self, tmp_path: Path) -> None:
        """With a client authority, only a sender with its certificate is served."""
        cert, key = certificate(tmp_path, "server")
        own, own_key = certificate(tmp_path, "hospital")
        async with listening(Hospital(), tls=server_context(cert, key, own)) as server:
            with pytest.raises((OSError, ssl.SSLError)):
                async with MllpClient("localhost", server.port, timeout=5, tls=client_context(cert)) as nobody:
                    await nobody.send(admission())
            trusted = client_context(cert, own, own_key)
            async with MllpClient("localhost", server.port, timeout=5, tls=trusted) as hospital:
                assert b"MSA|AA|C1" in await hospital.send(admission())
