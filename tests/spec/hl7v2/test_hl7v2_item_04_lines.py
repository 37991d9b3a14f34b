"""
Item 4: segments end with CR, LF or CRLF, blank ones mean nothing, and a byte order mark is no part of the message.

The separators are those that MSH states, whatever they are, and MSH-2 may have five characters in any version.
"""

from __future__ import annotations

import pytest
from hl7v2_world import Hl7World

LINES = (
    "MSH|^~\\&|HIS|H01|HIE|ZB|20260301080000||ADT^A01^ADT_A01|1|P|2.5.1||||||UNICODE UTF-8", "EVN||20260301080000",
    "PID|1||L1^^^H01^MR~370303198506120428^^^CN^NI||王^晓\\T\\梅||19850612|F",
    "PV1|1|I|W1^101^1||||||||||||||||V1^^^H01",
    "DG1|1||I10^高血压^ICD-10||20260301|A",
)  # fmt: skip
VERSIONS = ("2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8", "2.8.2")


def divided(field: str, component: str, repetition: str, escape: str, subcomponent: str, more: str = "") -> bytes:
    """The same message with other separators; `more` is a fifth character of MSH-2."""
    text = "\r".join(LINES).replace("^~\\&", "\x01", 1)
    text = text.translate(str.maketrans("|^~\\&", f"{field}{component}{repetition}{escape}{subcomponent}"))
    return text.replace("\x01", f"{component}{repetition}{escape}{subcomponent}{more}").encode()


async def told(hl7: Hl7World, raw: bytes, subcomponent: str = "&") -> None:
    """The message was understood whole; `subcomponent` is what \\T\\ stands for."""
    assert await hl7.send(raw) and b"MSA" in hl7.answers[-1]
    await hl7.drain()
    assert not await hl7.dead()
    patient = await hl7.one("Patient")

    assert (patient["name"][0]["family"], patient["name"][0]["given"]) == ("王", [f"晓{subcomponent}梅"])
    assert {number["value"] for number in patient["identifier"]} == {"L1", "370303198506120428"}
    assert await hl7.ask("Encounter", "entry.resource.status") == ["in-progress"]
    assert await hl7.ask("Condition", "entry.resource.code.coding.code contains 'I10'") != []


class TestTerminators:
    @pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\n\r", "\r\r", "\r\n\r\n", "\r \r", "\n\t\n"])
    async def test_each(self, hl7: Hl7World, end: str) -> None:
        """CR, LF, CRLF, and blank lines between segments."""
        await told(hl7, (end.join(LINES) + end).encode())

    async def test_mixed(self, hl7: Hl7World) -> None:
        """Each segment with another end, and the last without any."""
        ends = ["\r", "\n", "\r\n", "\r\n\r", ""]
        await told(hl7, "".join(line + end for line, end in zip(LINES, ends, strict=True)).encode())

    async def test_blanks_in_front(self, hl7: Hl7World) -> None:
        """Line ends and blanks before MSH and before segments."""
        await told(hl7, ("\r\n\n " + "\r  ".join(LINES)).encode())

    async def test_line_end_in_text(self, hl7: Hl7World) -> None:
        """A bare line end inside free text is text: no segment is lost, nor a word."""
        rows = (
            "OBR|1|P1|F1|X^胸片^L|||20260301\rOBX|1|TX|X^所见^L||第一行\n第二行 PID\r\n第三行||||||F\r"
            "OBX|2|NM|Y^温度^L||37.2|Cel|||||F\r"
        )
        head = LINES[0].replace("ADT^A01^ADT_A01", "ORU^R01^ORU_R01")
        await hl7.tell(f"{head}\rPID|1||L1^^^H01^MR||王\r{rows}".encode())
        found = await hl7.find("Observation")

        assert {one.get("valueString") for one in found} == {"第一行\n第二行 PID\n第三行", None}
        assert any("begin no segment" in remark for remark in await hl7.remarks())


class TestSeparators:
    @pytest.mark.parametrize("signs", ["|^~\\&", "$%*!@", "^|~\\&", "#*+?;", "|^~@&", "!\"#$%", "`{}[]"])
    async def test_from_the_header(self, hl7: Hl7World, signs: str) -> None:
        """Read from MSH-1 and MSH-2; the answer uses them as well."""
        await told(hl7, divided(*signs), signs[4])

        assert hl7.answers[-1].startswith(f"MSH{signs}{signs[0]}".encode())
        assert f"MSA{signs[0]}AA{signs[0]}1\r".encode() in hl7.answers[-1]

    @pytest.mark.parametrize("version", VERSIONS)
    async def test_five_characters(self, hl7: Hl7World, version: str) -> None:
        """A truncation character, which came with 2.7, in any version."""
        await told(hl7, divided("|", "^", "~", "\\", "&", "#").replace(b"|2.5.1|", f"|{version}|".encode()))

        assert hl7.answers[-1].startswith(b"MSH|^~\\&#|")

    async def test_different_in_turn(self, hl7: Hl7World) -> None:
        """Two messages of one sender, each with its own."""
        await told(hl7, divided("|", "^", "~", "\\", "&"))
        await told(hl7, divided("$", "%", "*", "!", "@").replace(b"$1$P$", b"$2$P$"), "@")

    @pytest.mark.parametrize("header", ["MSHA^~\\&A", "MSH|^^\\&|", "MSH|^~A&|", "MSH |~\\& ", "MSH", "MSH|王~\\&|"])
    async def test_senseless(self, hl7: Hl7World, header: str) -> None:
        """What cannot separate is refused in words and kept, not guessed at."""
        assert await hl7.send(f"{header}HIS|H01\rPID|1||L1".encode()) == ["AE"]
        assert (await hl7.services.journal.counts())["rejected"] == 1


class TestByteOrderMark:
    async def test_utf8(self, hl7: Hl7World) -> None:
        """The mark of UTF-8 in front."""
        await told(hl7, b"\xef\xbb\xbf" + "\r".join(LINES).encode())

    async def test_gb18030(self, hl7: Hl7World) -> None:
        """The mark of GB18030, with and without a declaration."""
        text = "\r".join(LINES).replace("UNICODE UTF-8", "")
        await told(hl7, b"\x84\x31\x95\x33" + text.encode("gb18030"))
