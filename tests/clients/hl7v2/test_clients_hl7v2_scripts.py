"""Senders of other hands: python-hl7's client and its command `mllp_send`, and plain Node on sockets."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import hl7
import pytest
from hl7.client import MLLPClient
from outside import Absent, node
from peer_world import Peered, finished

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
STEPS = ("byteByByte", "manyInOneWrite", "withoutCarriageReturn", "abandoned", "atOnce", "secured", "notTrusted")


def admission(control: str, charset: str = "UNICODE UTF-8") -> str:
    return (
        f"MSH|^~\\&|HIS|H01|HIE|ZB|20261124080000||ADT^A04^ADT_A01|{control}|P|2.5.1||||||{charset}\r"
        f"EVN||20261124080000\rPID|1||L{control}^^^H01^MR||亅巾^榊昞||19850612|F\rPV1|1|O|W1\r"
    )


class TestPythonHl7:
    async def test_command(self, exchange: Peered, tmp_path: Path) -> None:
        """`mllp_send` sends a file of framed messages and prints an acknowledgement for each."""
        file = tmp_path / "messages.hl7"
        file.write_bytes(b"".join(f"\x0b{admission(f'C{at}')}\x1c\r".encode() for at in range(5)))
        command = [str(Path(sys.executable).parent / "mllp_send"), "--file", str(file), "-p", str(exchange.port)]
        output, errors, code = await finished([*command, "127.0.0.1"], {}, 60)

        assert code == 0, errors
        assert [f"MSA|AA|C{at}" in output for at in range(5)] == [True] * 5
        assert (await exchange.drain())["committed"] == 5

    async def test_loose(self, exchange: Peered, tmp_path: Path) -> None:
        """A file of lines, as people keep them: `mllp_send --loose`."""
        file = tmp_path / "messages.txt"
        file.write_bytes("".join(admission(f"L{at}").replace("\r", "\r\n") for at in range(3)).encode())
        command = [str(Path(sys.executable).parent / "mllp_send"), "--loose", "--file", str(file)]
        output, errors, code = await finished([*command, "-p", str(exchange.port), "127.0.0.1"], {}, 60)

        assert code == 0, errors
        assert output.count("MSA|AA|L") == 3
        assert (await exchange.drain())["committed"] == 3

    @pytest.mark.parametrize(("charset", "codec"), [("GB 18030-2000", "gb18030"), ("UNICODE UTF-8", "utf-8")])
    async def test_client(self, exchange: Peered, charset: str, codec: str) -> None:
        """Its client, in the sender's character set; its parser reads our acknowledgement."""

        def send() -> list[bytes]:
            with MLLPClient("127.0.0.1", exchange.port, encoding=codec) as client:
                return [client.send_message(admission(f"P{at}", charset)) for at in range(10)]

        answers = await asyncio.to_thread(send)
        for at, answer in enumerate(answers):
            read = hl7.parse(answer.strip(b"\x0b\x1c\r").decode(codec))
            assert (str(read.segment("MSA")[1]), str(read.segment("MSA")[2])) == ("AA", f"P{at}")
        assert (await exchange.drain())["committed"] == 10


class TestNode:
    async def test_sockets(self, exchange: Peered) -> None:
        """Frames byte by byte, many in one write, without the last byte, abandoned, at once, and over TLS."""
        try:
            command = [node(), str(Path(__file__).parent / "node" / "sockets.mjs")]
        except Absent as reason:
            pytest.skip(str(reason))

        assert await exchange.run(command) == dict.fromkeys(STEPS, "")
        counts = await exchange.drain()
        # The message that was cut off is kept, and so is the noise between frames; neither is committed.
        assert (counts["rejected"], counts["committed"]) == (2, 36)
