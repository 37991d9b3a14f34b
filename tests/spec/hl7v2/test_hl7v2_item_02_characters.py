"""
Item 2: bytes are decoded before they are divided.

The second byte of 464 basic ideographs in GBK looks like a separator (| ^ ~ or a backslash); each of them survives in
every place: names, free text, components beside separators, identifiers. So do those of four bytes in GB18030, and no
character of GB18030, Big5 or UTF-8 has a byte of MLLP's.
"""

from __future__ import annotations

import itertools

import pytest
from hl7v2_world import Hl7World

from adapters.mllp.client import MllpClient
from adapters.mllp.framing import Frame, Framer, wrap
from adapters.mllp.server import MllpServer

SEPARATORS = b"|^~\\"
IDEOGRAPHS = [chr(code) for code in range(0x4E00, 0x9FA6)]
COLLISIONS = [one for one in IDEOGRAPHS if len(code := one.encode("gb18030")) == 2 and code[1] in SEPARATORS]
# Four bytes in GB18030: the extensions of Unicode that rare names are written with.
RARE = [chr(code) for code in (*range(0x3400, 0x3420), *range(0x20000, 0x20040), *range(0x2A700, 0x2A710), 0x30000)]
HEAD = "MSH|^~\\&|{sender}|HIE|ZB|20260301080000||{kind}|{control}|P|2.5.1||||||{charset}\r"


def gb(kind: str, *lines: str, control: str = "1", charset: str = "GB 18030-2000", sender: str = "HIS|H01") -> bytes:
    head = HEAD.format(kind=kind, control=control, charset=charset, sender=sender)
    return (head + "".join(f"{line}\r" for line in lines)).encode("gb18030")


def report(text: str, names: str = "王") -> bytes:
    """An ORU with one text."""
    pid = f"PID|1||L1^^^H01^MR||{names}"
    return gb("ORU^R01^ORU_R01", pid, "OBR|1|P1|F1|X^项^L", f"OBX|1|TX|T^文^L||{text}||||||F")


def numbered(characters: list[str], form: str) -> list[str]:
    return [form.format(n=n, c=c) for n, c in enumerate(characters)]


class TestCollisions:
    def test_how_many(self) -> None:
        """464 of 20,902, 116 for each separator or more."""
        assert len(COLLISIONS) == 464
        assert {one.encode("gb18030")[1:] for one in COLLISIONS} == {b"|", b"^", b"~", b"\\"}

    async def test_names(self, hl7: Hl7World) -> None:
        """Each as family and as given name, at the end of a component, of a repetition and of the field."""
        names = "~".join(f"{one}^{one}^^^^^L" for one in COLLISIONS)
        pid = f"PID|1||L1^^^H01^MR||{names}||19850612|F|||{COLLISIONS[0]}路^^{COLLISIONS[1]}市"
        await hl7.tell(gb("ADT^A01^ADT_A01", "EVN||20260301", pid, "PV1|1|I|W1"))
        patient = await hl7.one("Patient")

        assert [(name["family"], name["given"]) for name in patient["name"]] == [(one, [one]) for one in COLLISIONS]
        assert (patient["gender"], patient["birthDate"]) == ("female", "1985-06-12")
        assert (patient["address"][0]["line"], patient["address"][0]["city"]) == (
            [f"{COLLISIONS[0]}路"], f"{COLLISIONS[1]}市",
        )  # fmt: skip

    async def test_free_text_and_codes(self, hl7: Hl7World) -> None:
        """Each in free text, as the display of a code beside separators, in a note, and in a unit."""
        rows = numbered(COLLISIONS, "OBX|{n}|FT|T{n}^{c}^L^{c}{c}|{n}|前{c}|{c}|||||F\rNTE|1||{c}\\T\\{c}")
        await hl7.tell(gb("ORU^R01^ORU_R01", "PID|1||L1^^^H01^MR||王^梅", "OBR|1|P1|F1|X^全部^L|||20260301", *rows))
        found = {one["code"]["coding"][0]["code"]: one for one in await hl7.find("Observation?_count=1000")}

        assert len(found) == 464
        for number, one in enumerate(COLLISIONS):
            observation = found[f"T{number}"]
            assert observation["valueString"] == f"前{one}"
            assert observation["code"]["coding"][0]["display"] == one
            assert observation["note"][0]["text"] == f"{one}&{one}"

    async def test_identifiers(self, hl7: Hl7World) -> None:
        """In a sender's own name, before MSH-18 is reached, and in numbers that messages are ordered by."""
        for at, one in enumerate(COLLISIONS[::8]):
            sender, pid = f"系{one}|院{one}", f"PID|1||号{one}{at}^^^{one}^MR~乙{at}^^^{one}^PI||王^{one}"
            lines = ("EVN||20260301", pid, f"PV1|1|O|{one}")
            message = gb("ADT^A04^ADT_A01", *lines, control=f"控{one}{at}", sender=sender)
            assert await hl7.send(message) == ["AA"]
            assert f"MSA|AA|控{one}{at}\r".encode("gb18030") in hl7.answers[-1]
            assert f"|系{one}|院{one}|".encode("gb18030") in hl7.answers[-1]
        await hl7.drain()
        patients = await hl7.find("Patient?_count=100")

        assert not await hl7.dead()
        values = {number["value"] for patient in patients for number in patient["identifier"]}
        assert values == {text for at, one in enumerate(COLLISIONS[::8]) for text in (f"号{one}{at}", f"乙{at}")}

    @pytest.mark.parametrize("charset", ["GBK", "GB2312", "GB18030"])
    async def test_spellings(self, hl7: Hl7World, charset: str) -> None:
        """The same under every name of the character set."""
        pid = f"PID|1||L1^^^H01^MR||{COLLISIONS[5]}^{COLLISIONS[400]}"
        await hl7.tell(gb("ADT^A04^ADT_A01", "EVN||20260301", pid, "PV1|1|O", charset=charset))

        assert await hl7.ask("Patient", "entry.resource.name.family") == [COLLISIONS[5]]


class TestFourBytes:
    async def test_rare_names(self, hl7: Hl7World) -> None:
        """Ideographs of four bytes in GB18030, in names and in free text."""
        assert all(len(one.encode("gb18030")) == 4 for one in RARE)
        names = "~".join(f"{one}^{one}{one}" for one in RARE)
        text = "".join(RARE)
        await hl7.tell(report(text, names))

        assert [name["family"] for name in (await hl7.one("Patient"))["name"]] == RARE
        assert (await hl7.one("Observation"))["valueString"] == text

    async def test_back_in_the_same_set(self, hl7: Hl7World) -> None:
        """An answer has the sender's name in four bytes again."""
        await hl7.send(gb("ADT^A04", "PID|1||L1", sender=f"{RARE[0]}|{RARE[40]}"))

        assert f"|{RARE[0]}|{RARE[40]}|".encode("gb18030") in hl7.answers[-1]


class TestOverMllp:
    @pytest.mark.parametrize("codec", ["gb18030", "big5", "utf-8"])
    def test_no_byte_of_mllp(self, codec: str) -> None:
        """No character beyond the controls has 0x0B, 0x1C or 0x0D in it."""
        codes = itertools.chain(range(0x20, 0xD800), range(0xE000, 0x110000, 1 if codec != "utf-8" else 7))
        text = "".join(map(chr, codes))

        assert not {0x0B, 0x1C, 0x0D} & set(text.encode(codec, "ignore"))

    async def test_through_a_socket(self, hl7: Hl7World) -> None:
        """All of them in one message over a socket, framed, cut anywhere."""
        text = "".join(COLLISIONS + RARE)
        message = report(text)

        async def accept(frame: Frame) -> bytes | None:
            return await hl7.services.intake.accept(frame, "mllp")

        server = MllpServer(accept)
        await server.start()
        try:
            async with MllpClient("127.0.0.1", server.port) as client:
                assert b"MSA|AA|1\r" in await client.send(message)
        finally:
            await server.stop()
        await hl7.drain()

        assert (await hl7.one("Observation"))["valueString"] == text

    def test_cut_anywhere(self) -> None:
        """However the bytes are cut into reads, inside of characters too."""
        message = gb("ADT^A04", f"PID|1||L1||{''.join(COLLISIONS[:40] + RARE[:4])}")
        stream = wrap(message)
        for size in (1, 2, 3, 7):
            framer, frames = Framer(), []
            for at in range(0, len(stream), size):
                frames += framer.feed(stream[at : at + size])

            assert [frame.data for frame in frames] == [message]
