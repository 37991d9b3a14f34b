"""Bad HL7 v2, over the socket and over HTTP: an answer in the protocol's own words, and the bytes in the journal."""

from __future__ import annotations

import re
import socket
import struct
import time
import uuid
from dataclasses import dataclass

import httpx
import pytest
from e2e_desk import Desk
from e2e_messages import admit, header, message, patient, stamp, visit
from e2e_region import Region, eventually

pytestmark = pytest.mark.e2e

START, END = b"\x0b", b"\x1c\r"


def control() -> str:
    """A control id nobody used."""
    return f"B{uuid.uuid4().hex[:10]}"


def admission(*, raw_header: str = "", end: str = "\r", codec: str = "utf-8", sent: str = "") -> bytes:
    """ADT^A01 with another header, other line ends, other bytes."""
    lines = (raw_header or header("ADT^A01^ADT_A01", sent or control()), f"EVN|A01|{stamp()}", patient(), visit("BAD1"))
    return (end.join(lines) + end).encode(codec)


@dataclass(frozen=True, slots=True)
class Wire:
    """The listener's socket, for bytes that no decent sender sends."""

    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def ask(self, raw: bytes) -> bytes:
        """Send a frame and read its answer."""
        with self.connect() as connection:
            connection.sendall(START + raw + END)
            return self.read(connection)

    @staticmethod
    def read(connection: socket.socket) -> bytes:
        """One framed answer, or what came until the other side closed."""
        found = b""
        while not found.endswith(END):
            chunk = connection.recv(65_536)
            if not chunk:
                break
            found += chunk
        return found.removeprefix(START).removesuffix(END)

    def leave(self, sent: bytes, *, reset: bool = False) -> bytes:
        """Send and hang up in the middle; returns what was answered."""
        with self.connect() as connection:
            connection.sendall(sent)
            if reset:
                # Until the listener has read it; then a reset instead of a polite end.
                time.sleep(0.5)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return b""
            connection.shutdown(socket.SHUT_WR)
            return self.read(connection)


@pytest.fixture
def wire(region: Region) -> Wire:
    return Wire(region.port("MLLP_PORT"))


def code_of(answer: bytes) -> str:
    """MSA-1."""
    found = re.search(rb"\rMSA.([AC][AER])", answer)
    return found[1].decode() if found else ""


def error_of(answer: bytes) -> tuple[str, str]:
    """ERR-2 and the code of ERR-3."""
    found = re.search(rb"\rERR\|[^|]*\|([^|]*)\|([^|^]*)", answer)
    assert found, answer
    return found[1].decode(), found[2].decode()


REFUSED = {
    "another character set": (admission().decode().encode("gb18030"), "AE", "MSH^1^18", "102"),
    "a character set nobody knows": (
        admission(raw_header=header("ADT^A01", control(), charset="KLINGON")), "AE", "MSH^1^18", "103",
    ),
    "UTF-16": (
        admission(raw_header=header("ADT^A01", control(), charset="UNICODE UTF-16")), "AE", "MSH^1^18", "102",
    ),
    "no type": (admission(raw_header=header("", control())), "AE", "MSH^1^9^1", "101"),
    "no event": (message(header("ADT", control()), patient(), visit("BAD2")), "AE", "MSH^1^9^2", "101"),
    "no control id": (admission(raw_header=header("ADT^A01^ADT_A01", "")), "AE", "MSH^1^10", "101"),
    "a version that is not 2": (
        admission(raw_header=header("ADT^A01", control()).replace("|2.5.1|", "|3.0|")), "AR", "MSH^1^12", "203",
    ),
    "an unknown processing id": (
        admission(raw_header=header("ADT^A01", control()).replace("|P|2.5.1", "|X|2.5.1")), "AR", "MSH^1^11", "202",
    ),
    "separators that do not separate": (b"MSH|||HIS|E2E|\rPID|1\r", "AE", "", ""),
    "garbage": (bytes(range(32, 256)) * 3, "AE", "MSH", "100"),
    "XML": (b"<ClinicalDocument xmlns='urn:hl7-org:v3'/>", "AE", "MSH", "100"),
    "JSON": (b'{"resourceType":"Patient"}', "AE", "MSH", "100"),
}  # fmt: skip


class TestRefused:
    """Answered AE or AR with the place of the error, and kept as it came."""

    @pytest.mark.parametrize("what", REFUSED)
    def test_answered_and_kept(self, region: Region, wire: Wire, what: str) -> None:
        """The answer says where and why; the journal has the same bytes and the same code."""
        raw, code, location, condition = REFUSED[what]

        answer = wire.ask(raw)

        assert code_of(answer) == code, answer
        if location:
            assert error_of(answer) == (location, condition)
        entry = region.kept(raw)
        assert (entry["state"], entry["ack"], entry["channel"]) == ("rejected", code, "mllp")
        assert entry["reason"]

    def test_error_text_has_no_health_data(self, wire: Wire) -> None:
        """A refusal names the place and never repeats what stood there."""
        answer = wire.ask(admission().decode().encode("gb18030"))

        assert "王".encode("gb18030") not in answer and b"E2E001" not in answer

    def test_too_large(self, region: Region, wire: Wire) -> None:
        """20 MB are refused with AR, kept whole, and the listener goes on."""
        raw = admission(sent=control()) + b"NTE|1||" + b"x" * 20_000_000 + b"\r"

        answer = wire.ask(raw)

        assert code_of(answer) == "AR"
        assert region.kept(raw)["size"] == len(raw)
        assert code_of(wire.ask(admission())) == "AA"

    def test_administrator_sees_it(self, region: Region, wire: Wire) -> None:
        """A rejected message is in the monitor, with its reason and its text."""
        raw = admission(raw_header=header("ADT^A01", sent := control()).replace("|2.5.1|", "|3.0|"))
        wire.ask(raw)

        with Desk(region, "administrator") as desk:
            desk.get("/workbench/administration/messages", id=sent, state="rejected")
            (address,) = set(desk.links(r"/administration/messages/[0-9A-Z]{26}$"))
            page = desk.get(address)
            desk.get(f"{address}/content")
            content = desk.post(f"{address}/reason", reason="looking at a refusal")

        assert "Only versions 2.x are taken." in page
        assert "E2E001" not in page and "E2E001" in content


class TestCutOff:
    """A message that never ended is kept, and never answered."""

    def test_hung_up(self, region: Region, wire: Wire) -> None:
        """A polite end inside a frame."""
        half = admission()[:150]

        assert wire.leave(START + half) == b""
        assert region.kept(half)["state"] == "rejected"

    def test_reset(self, region: Region, wire: Wire) -> None:
        """A reset inside a frame."""
        half = admission()[:160]

        wire.leave(START + half, reset=True)
        assert "connection ended" in region.kept(half)["reason"]

    def test_next_begins(self, region: Region, wire: Wire) -> None:
        """A new message inside an open frame: the old one is kept as cut off, the new one is taken."""
        half, whole = admission()[:170], admission()

        with wire.connect() as connection:
            connection.sendall(START + half + START + whole + END)
            assert code_of(wire.read(connection)) == "AA"
        assert region.kept(half)["state"] == "rejected"
        assert region.kept(whole)["ack"] == "AA"

    def test_noise_around_frames(self, wire: Wire) -> None:
        """Bytes outside of frames are no message; the frame between them is."""
        with wire.connect() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n" + START + admission() + END + b"more noise")
            assert code_of(wire.read(connection)) == "AA"

    def test_many_at_once_that_hang_up(self, wire: Wire) -> None:
        """A hundred broken connections do no harm to the next one."""
        for _ in range(100):
            with wire.connect() as connection:
                connection.sendall(START + b"MSH|^~")
        assert code_of(wire.ask(admission())) == "AA"


class TestTaken:
    """What is odd and can be understood is taken."""

    def test_no_structure(self, wire: Wire) -> None:
        """MSH-9.3 is missing: the event tells the structure."""
        assert code_of(wire.ask(admission(raw_header=header("ADT^A01", control())))) == "AA"

    def test_truncation_character(self, wire: Wire) -> None:
        """MSH-2 with the fifth character of version 2.7, in a 2.5.1 message."""
        odd = header("ADT^A01^ADT_A01", control()).replace("|^~\\&|", "|^~\\&#|")
        assert code_of(wire.ask(admission(raw_header=odd))) == "AA"

    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_line_ends(self, region: Region, wire: Wire, end: str) -> None:
        """Segments that end with LF or CRLF are read, and journaled as they came."""
        raw = admission(end=end)

        assert code_of(wire.ask(raw)) == "AA"
        entry = region.kept(raw)
        assert entry["type"] == "ADT^A01"

    def test_bare_end(self, wire: Wire) -> None:
        """A frame without the carriage return after its end byte."""
        with wire.connect() as connection:
            connection.sendall(START + admission() + END[:1])
            assert code_of(wire.read(connection)) == "AA"

    def test_byte_by_byte(self, wire: Wire) -> None:
        """The frame in pieces as small as can be."""
        with wire.connect() as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in START + admission() + END:
                connection.sendall(bytes([byte]))
            assert code_of(wire.read(connection)) == "AA"

    def test_declared_otherwise_than_written(self, region: Region, wire: Wire) -> None:
        """UTF-8 bytes under the name of GB 18030: taken as declared, with a remark for the administrator."""
        raw = admission(raw_header=header("ADT^A01", control(), charset="GB 18030-2000"))

        assert code_of(wire.ask(raw)) == "AA"
        eventually(lambda: "GB" in str(region.kept(raw)["remarks"]), "the remark")

    def test_nothing_to_translate(self, region: Region, wire: Wire) -> None:
        """A type without a translation is kept, and counted as such."""
        raw = message(header("OMD^O03^OMD_O03", control()), patient(), visit("BAD3"))

        assert code_of(wire.ask(raw)) == "AA"
        eventually(lambda: region.kept(raw)["state"] == "kept", "the state")

    def test_sent_twice(self, region: Region, wire: Wire) -> None:
        """The same bytes again get the first answer again, and make no second entry."""
        raw = admission()

        assert wire.ask(raw) == wire.ask(raw)
        with region.database() as database:
            assert database["journal"].count_documents({"hash": region.kept(raw)["hash"]}) == 1


class TestOverHttp:
    """The same over HTTP: the status says what MSA-1 says."""

    def post(self, region: Region, raw: bytes, **headers: str) -> httpx.Response:
        sent = {"Content-Type": "application/hl7-v2", **headers}
        return httpx.post(f"{region.web}/hl7v2", content=raw, headers=sent, timeout=60, trust_env=False)

    def test_taken(self, region: Region) -> None:
        """200 and AA."""
        answer = self.post(region, admit(control()))

        assert (answer.status_code, code_of(answer.content)) == (200, "AA")

    def test_wrong_content(self, region: Region) -> None:
        """422 and AE, kept."""
        raw = admission().decode().encode("gb18030")

        answer = self.post(region, raw)

        assert (answer.status_code, code_of(answer.content)) == (422, "AE")
        assert region.kept(raw)["channel"] == "http"

    def test_wrong_version(self, region: Region) -> None:
        """415 and AR."""
        answer = self.post(region, admission(raw_header=header("ADT^A01", control()).replace("|2.5.1|", "|3.0|")))

        assert (answer.status_code, code_of(answer.content)) == (415, "AR")

    def test_too_large(self, region: Region) -> None:
        """413 and AR, kept as far as it came."""
        answer = self.post(region, admission() + b"x" * 20_000_000)

        assert (answer.status_code, code_of(answer.content)) == (413, "AR")

    def test_another_media_type(self, region: Region) -> None:
        """415 in HL7's words."""
        answer = self.post(region, admission(), **{"Content-Type": "application/json"})

        assert (answer.status_code, code_of(answer.content)) == (415, "AR")

    def test_foreign_token(self, region: Region) -> None:
        """401 with the scheme that is needed."""
        answer = self.post(region, admission(), Authorization="Bearer a.b.c")

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
