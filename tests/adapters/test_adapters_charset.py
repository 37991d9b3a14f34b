"""Character sets: every spelling, strict decoding, and separators inside of characters."""

from __future__ import annotations

import pytest
from adapters_messages import SITE, header, message

from adapters.errors import NotUnderstood
from adapters.hl7v2.charset import codec_of, declared, decode
from adapters.hl7v2.parser import parse, read_header
from adapters.hl7v2.site import Site

SEPARATORS = b"|^~\\"
# Basic CJK ideographs whose second byte in GBK is a separator of HL7.
COLLISIONS = [
    character
    for character in map(chr, range(0x4E00, 0x9FA6))
    if len(encoded := character.encode("gb18030")) == 2 and encoded[1] in SEPARATORS
]


class TestNames:
    @pytest.mark.parametrize(
        ("name", "codec"),
        [
            ("UNICODE UTF-8", "utf-8"), ("UNICODE", "utf-8"), ("UTF-8", "utf-8"), ("utf8", "utf-8"),
            ("GB 18030-2000", "gb18030"), ("GB18030", "gb18030"), ("GBK", "gb18030"), ("GB2312", "gb18030"),
            ("BIG-5", "big5"), ("ASCII", "ascii"), ("8859/1", "iso8859-1"), ("8859/15", "iso8859-15"),
        ],
    )  # fmt: skip
    def test_spellings(self, name: str, codec: str) -> None:
        """Table 0211 and what senders write instead."""
        assert codec_of(name) == codec

    def test_unknown(self) -> None:
        """Nobody's name has no codec."""
        assert codec_of("KLINGON") is None

    def test_first_repetition(self) -> None:
        """MSH-18 may repeat; the first is the one the message begins in."""
        assert declared(message(header(charset="GB 18030-2000~ASCII"))) == "GB 18030-2000"


class TestDecode:
    def test_all_collisions_survive(self) -> None:
        """All 464 characters that hide a separator come out whole, each in a field, component and repetition."""
        assert len(COLLISIONS) == 464
        for character in COLLISIONS:
            raw = message(header(charset="GBK"), f"PID|1||L1||{character}^{character}~A{character}|B", codec="gb18030")
            pid = parse(raw, site=SITE).first("PID")

            assert [value.components for value in pid.all(5)] == [((character,), (character,)), ((f"A{character}",),)]
            assert pid.text(6) == "B"

    def test_collision_before_the_declaration(self) -> None:
        """A separator inside a character of MSH-4 does not hide MSH-18, nor the sender's name."""
        raw = message(header(charset="GB18030", sender=f"HIS|{COLLISIONS[3]}院"), "PID|1||L1||王", codec="gb18030")

        assert declared(raw) == "GB18030"
        assert read_header(raw).sender == f"HIS|{COLLISIONS[3]}院"
        assert parse(raw, site=SITE).header.text(4) == f"{COLLISIONS[3]}院"

    @pytest.mark.parametrize(("name", "codec"), [("UNICODE UTF-8", "utf-8"), ("BIG-5", "big5"), ("GB2312", "gb2312")])
    def test_declared(self, name: str, codec: str) -> None:
        """The declared character set counts, whatever the site's default."""
        raw = message(
            header(charset=name), "PID|1||L1||醫院^王" if codec == "big5" else "PID|1||L1||医院^王", codec=codec
        )

        assert parse(raw, site=Site("s", charset="ASCII")).first("PID").text(5, 2) == "王"

    def test_undeclared_is_the_default_of_the_site(self) -> None:
        """Without MSH-18 the site's character set counts."""
        raw = message(header(), "PID|1||L1||王", codec="gb18030")

        assert parse(raw, site=Site("s", charset="GB18030")).first("PID").text(5) == "王"

    @pytest.mark.parametrize("charset", ["UNICODE UTF-8", "ASCII", ""])
    def test_wrong_bytes(self, charset: str) -> None:
        """Bytes that do not fit are refused at MSH-18, and the refusal does not quote them."""
        raw = message(header(charset=charset), "PID|1||L1||王", codec="gb18030")
        with pytest.raises(NotUnderstood) as refused:
            parse(raw, site=SITE)

        assert (refused.value.location, refused.value.condition) == ("MSH^1^18", "102")
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__

    @pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
    def test_wide(self, codec: str) -> None:
        """UTF-16 and UTF-32 are refused in words."""
        with pytest.raises(NotUnderstood, match="UTF-16"):
            decode(message(header(), codec=codec), default="UTF-8")

    def test_wide_declared(self) -> None:
        """Also when only MSH-18 says so."""
        with pytest.raises(NotUnderstood, match="UTF-16"):
            decode(message(header(charset="UNICODE UTF-16")), default="UTF-8")

    def test_unknown_name(self) -> None:
        """A character set nobody knows: plain ASCII is taken with a finding, anything else refused."""
        assert parse(message(header(charset="KLINGON"), "PID|1||L1"), site=SITE).findings[0].location == "MSH^1^18"
        with pytest.raises(NotUnderstood):
            parse(message(header(charset="KLINGON"), "PID|1||L1||王"), site=SITE)

    def test_byte_order_mark(self) -> None:
        """A byte order mark decides where MSH-18 is silent, and is no part of the message."""
        raw = b"\xef\xbb\xbf" + message(header(), "PID|1||L1||王")
        parsed = parse(raw, site=Site("s", charset="GB18030"))

        assert (parsed.first("PID").text(5), parsed.segments[0].name) == ("王", "MSH")
        assert read_header(raw).control_id == "C1"

    def test_suspicious(self) -> None:
        """UTF-8 declared as GB is read as declared, and said."""
        raw = message(header(charset="GBK"), "PID|1||L1||淄博市中心医院王晓梅女士")

        assert "UTF-8" in decode(raw, default="UTF-8").remarks[0]
