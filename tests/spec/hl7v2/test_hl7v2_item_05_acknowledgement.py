"""
Item 5: an acknowledgement means durable, and says what is to be done.

AA: taken. AE: the content is wrong, do not send it again as it is. AR: not about the content, or a type, version or
processing id that is not taken. ERR says where and which condition of table 0357. MSH-15 and MSH-16 choose in enhanced
mode (AL, NE, ER, SU) between CA, CE, CR, the application's answer and none. The answer is in the sender's character
set, gives no control bytes back, and test messages never enter production.
"""

from __future__ import annotations

import dataclasses

import pytest
from hl7apy.parser import parse_message
from hl7v2_world import Hl7World

from adapters.hl7v2.message import Message
from adapters.hl7v2.parser import parse
from adapters.hl7v2.site import Site
from adapters.mllp.client import MllpClient
from adapters.mllp.framing import Frame
from adapters.mllp.server import MllpServer

SITE = Site("asker")
PID = "PID|1||L1^^^H01^MR||王^晓梅||19850612|F"
GOOD = "ADT^A01^ADT_A01"


def msh(
    kind: str = GOOD, control: str = "C1", *, version: str = "2.5.1", processing: str = "P", answers: str = "|",
    charset: str = "UNICODE UTF-8", sender: str = "HIS|H01",
) -> str:  # fmt: skip
    return f"MSH|^~\\&|{sender}|HIE|ZB|20261124080000||{kind}|{control}|{processing}|{version}|||{answers}||{charset}"


def raw(header: str, *lines: str, codec: str = "utf-8") -> bytes:
    return ("\r".join((header, *(lines or ("EVN||20261124080000", PID, "PV1|1|I|W1")))) + "\r").encode(codec)


async def answered(hl7: Hl7World, message: bytes) -> Message | None:
    found = await hl7.services.intake.accept(Frame(message, total=len(message), peer="test"), "mllp")
    return parse(found, site=SITE) if found else None


async def told(hl7: Hl7World, message: bytes) -> tuple[str, str, str, str]:
    """MSA-1, MSA-2, where, which condition."""
    answer = await answered(hl7, message)
    assert answer is not None
    err = answer.first("ERR")
    place = "^".join(part for part in (err[2][at] for at in range(1, 7)) if part)
    return answer.first("MSA").text(1), answer.first("MSA").text(2), place, err.text(3)


# A byte that is in no UTF-8: the content is wrong.
WRONG = raw(msh()).replace("王".encode(), b"\xff")


class TestCodes:
    async def test_durable(self, hl7: Hl7World) -> None:
        """AA, and the message is in the journal when the answer comes."""
        assert await told(hl7, raw(msh())) == ("AA", "C1", "", "")

        (kept,) = await hl7.services.journal.search()
        assert await hl7.services.journal.raw(kept.id) == raw(msh())

    @pytest.mark.parametrize(
        ("message", "expected"),
        [
            (WRONG, ("AE", "C1", "MSH^1^18", "102")),
            (raw(msh(charset="EBCDIC")), ("AE", "C1", "MSH^1^18", "103")),
            (raw(msh(control="")), ("AE", "", "MSH^1^10", "101")),
            (raw(msh("")), ("AE", "C1", "MSH^1^9^1", "101")),
            (raw(msh(processing="X")), ("AR", "C1", "MSH^1^11", "202")),
            (raw(msh(version="3.0")), ("AR", "C1", "MSH^1^12", "203")),
            (b"GET / HTTP/1.1\r", ("AE", "", "MSH", "100")),
        ],
    )
    async def test_refused(self, hl7: Hl7World, message: bytes, expected: tuple[str, str, str, str]) -> None:
        """What is wrong with it, where, and which condition of table 0357."""
        assert await told(hl7, message) == expected

    async def test_query(self, hl7: Hl7World) -> None:
        """A query that nobody answers: AR 201, never silence."""
        assert await told(hl7, raw(msh("QBP^Q99^QBP_Q21"), "QPD|X|T")) == ("AR", "C1", "MSH^1^9", "201")

    async def test_too_large(self, hl7: Hl7World) -> None:
        """Too large is AR with the control id of the message."""
        large = raw(msh()) + b"NTE|1||" + b"x" * 17_000_000

        assert (await told(hl7, large))[:2] == ("AR", "C1")

    async def test_same_again(self, hl7: Hl7World) -> None:
        """A message that is sent again is answered as it was the first time, to the byte."""
        first, again = [
            await hl7.services.intake.accept(Frame(raw(msh()), total=1, peer="test"), "mllp") for _ in range(2)
        ]
        assert first == again

    async def test_production(self, hl7: Hl7World) -> None:
        """Test and debugging messages never enter production; the answer says under which processing id."""
        settings = hl7.services.settings.model_copy(update={"mode": "production"})
        strict = dataclasses.replace(hl7.services.intake, settings=settings)
        for processing in ("T", "D"):
            message = raw(msh(processing=processing))
            found = await strict.accept(Frame(message, total=len(message), peer="test"), "mllp")
            answer = parse(found or b"", site=SITE)

            assert (answer.first("MSA").text(1), answer.header.text(11)) == ("AR", processing)
            assert (answer.first("ERR").raw(2), answer.first("ERR").text(3)) == ("MSH^1^11", "202")


class TestEnhanced:
    @pytest.mark.parametrize("condition", ["AL", "NE", "ER", "SU"])
    @pytest.mark.parametrize("application", ["AL", "NE", "ER", "SU", ""])
    async def test_conditions(self, hl7: Hl7World, condition: str, application: str) -> None:
        """Every pair of MSH-15 and MSH-16, for a message that is taken and one that is not."""
        taken = raw(msh(answers=f"{condition}|{application}"))
        for good, message in ((True, taken), (False, taken.replace("王".encode(), b"\xff"))):
            answer = await answered(hl7, message)
            expected = self._expected(condition, application, good=good)
            assert (answer.first("MSA").text(1) if answer else None) == expected

    @staticmethod
    def _expected(accept: str, application: str, *, good: bool) -> str | None:
        def wants(condition: str) -> bool:
            return condition == "AL" or condition == ("SU" if good else "ER")

        if wants(accept):
            return "CA" if good else "CE"
        return ("AA" if good else "AE") if wants(application) else None

    async def test_rejected(self, hl7: Hl7World) -> None:
        """AR becomes CR, with the same reason."""
        message = raw(msh(processing="X", answers="AL|NE"))

        assert await told(hl7, message) == ("CR", "C1", "MSH^1^11", "202")

    async def test_kept_all_the_same(self, hl7: Hl7World) -> None:
        """Who wants no answer is not answered, and the message is kept."""
        assert await answered(hl7, raw(msh(answers="NE|NE"))) is None
        assert (await hl7.services.journal.counts())["received"] == 1


class TestForm:
    @pytest.mark.parametrize(
        ("charset", "codec"),
        [("GB 18030-2000", "gb18030"), ("BIG-5", "big5"), ("UNICODE UTF-8", "utf-8"), ("GBK", "gb18030")],
    )
    async def test_character_set(self, hl7: Hl7World, charset: str, codec: str) -> None:
        """The sender reads its own name in its own character set, under its own word for it."""
        message = raw(msh(charset=charset, sender="系統|醫院"), "PID|1||L1^^^H01^MR||王", "PV1|1|O", codec=codec)
        found = await hl7.services.intake.accept(Frame(message, total=len(message), peer="test"), "mllp") or b""

        assert "|系統|醫院|".encode(codec) in found
        assert f"|{charset}\r".encode() in found

    async def test_no_control_bytes(self, hl7: Hl7World) -> None:
        """No control byte of the sender comes back, be it of MLLP, of a terminal, or of the C1 set."""
        header = msh(control="C\x001\x0b\x1c\x1b[2J\x7f\x9b", sender="H\x07IS|H\x0101", kind="ADT^A\x0201")
        found = await hl7.services.intake.accept(Frame(raw(header), total=1, peer="test"), "mllp") or b""
        text = found.decode()

        assert not {one for one in text if (ord(one) < 32 and one != "\r") or 127 <= ord(one) < 160}
        assert "MSA|AA|C1[2J" in text

    @pytest.mark.parametrize("version", ["2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8"])
    async def test_every_version(self, hl7: Hl7World, version: str) -> None:
        """Acceptance and refusal are well formed in the sender's version, to us and to hl7apy."""
        charset = "UNICODE UTF-8" if version >= "2.5" else "UNICODE"
        for message in (raw(msh(version=version, charset=charset)), WRONG.replace(b"|2.5.1|", f"|{version}|".encode())):
            message = message.replace(b"UNICODE UTF-8", charset.encode())
            found = await hl7.services.intake.accept(Frame(message, total=len(message), peer="test"), "mllp") or b""

            assert parse(found, site=SITE).findings == ()
            assert parse_message(found.decode()).validate()

    async def test_over_a_socket(self, hl7: Hl7World) -> None:
        """Over MLLP: answers come in the order of the messages, each with its own control id."""

        async def accept(frame: Frame) -> bytes | None:
            return await hl7.services.intake.accept(frame, "mllp")

        server = MllpServer(accept)
        await server.start()
        try:
            async with MllpClient("127.0.0.1", server.port) as client:
                found = [one async for one in client.send_all(raw(msh(control=f"S{n}")) for n in range(20))]
        finally:
            await server.stop()

        assert [parse(one, site=SITE).first("MSA").text(2) for one in found] == [f"S{n}" for n in range(20)]
