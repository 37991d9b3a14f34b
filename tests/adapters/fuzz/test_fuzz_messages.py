"""Whatever is sent is understood or refused in words: bytes, damaged messages, and messages built to be odd."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from atheris_parser import seeds
from fuzz_way import GB_SITE, SITE, Journey, declared_codec, outcomes, travel, travel_all
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.errors import AdapterError
from adapters.hl7v2.escape import EncodingCharacters, escape
from adapters.hl7v2.site import Site
from records.validation import validate

FINDINGS = Path(__file__).parent / "findings"
TYPES = (
    "ADT^A01", "ADT^A03", "ADT^A08", "ADT^A17", "ADT^A24", "ADT^A40", "ADT^A45", "ADT^A60", "ORU^R01", "ORM^O01",
    "OML^O21", "RDE^O11", "RDS^O13", "RAS^O17", "VXU^V04", "MDM^T02", "MDM^T10", "SIU^S12", "SIU^S26", "DFT^P03",
    "BAR^P01", "PPR^PC1", "REF^I12", "MFN^M02", "MFN^M05", "ORU", "ACK", "QRY^A19", "ZZZ^Z01",
)  # fmt: skip
SEGMENTS = (
    "EVN", "PID", "PD1", "NK1", "PV1", "PV2", "MRG", "AL1", "IAM", "DG1", "PR1", "GT1", "IN1", "ORC", "OBR", "OBX",
    "NTE", "SPM", "TQ1", "RXE", "RXO", "RXR", "RXC", "RXD", "RXA", "TXA", "SCH", "RGS", "AIS", "AIP", "AIL", "AIG",
    "FT1", "PRB", "GOL", "RF1", "PRD", "MFI", "MFE", "STF", "PRA", "LOC", "ZBE", "ZPI", "XYZ",
)  # fmt: skip
CHARSETS = {
    "": "utf-8", "UNICODE UTF-8": "utf-8", "GB 18030-2000": "gb18030", "GBK": "gb18030", "BIG-5": "big5",
    "ASCII": "ascii", "8859/1": "iso8859-1", "UNICODE UTF-16": "utf-8", "KLINGON": "utf-8",
}  # fmt: skip
DELIMITERS = (
    EncodingCharacters(), EncodingCharacters(truncation="#"), EncodingCharacters("$", "%", "*", "!", "@"),
    EncodingCharacters("|", "^", "~", "", ""), EncodingCharacters("^", "|", "~", "\\", "&"),
)  # fmt: skip
PIECES = (
    "", "1", "L1", "A01", "NM", "SN", "TX", "ED", "CWE", "DT", "F", "C", "D", "W", "X", "NW", "CA", "U", "I", "O",
    "20260101", "202601011200+0800", "20261399", "24000000", "-1", "1e999", "0.1", "<", "1:128", "王", "亅巾榊", "𠀀",
    '""', " ", "application", "Base64", "JVBERi0xLjQ=", "http://x y", "urn:oid:1.2", "370303198506120428", "\u3000",
    "\x00", "\x1b", "\u2028", "\ufffe", "Ⅷ", "٣", "A" * 300, "LN", "H01", "MR", "NI", "mmol/L",
)  # fmt: skip
SEQUENCES = (
    "F", "S", "T", "R", "E", "P", "H", "N", ".br", ".sp3", ".in+4", "X0D", "X00", "XFF", "XE78E8B", "Zq", "", "C2842",
)  # fmt: skip
QUICK = settings(max_examples=60, deadline=2000, suppress_health_check=[HealthCheck.too_slow])


@cache
def sown() -> list[bytes]:
    return seeds()


@st.composite
def texts(draw: st.DrawFn, signs: EncodingCharacters) -> str:
    """A field: pieces between separators and escape sequences, known ones and others."""
    join = [signs.component, signs.component, signs.repetition, signs.subcomponent, "\n"]
    join += [f"{signs.escape}{one}{signs.escape}" for one in draw(st.lists(st.sampled_from(SEQUENCES), max_size=2))]
    parts = draw(st.lists(st.sampled_from(PIECES), max_size=8))
    return "".join(part + draw(st.sampled_from(join)) for part in parts[:-1]) + "".join(parts[-1:])


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A message of some type, separators and character set, with whatever segments."""
    signs, name = draw(st.sampled_from(DELIMITERS)), draw(st.sampled_from(sorted(CHARSETS)))
    version = draw(st.sampled_from(("2.1", "2.3", "2.3.1", "2.4", "2.5.1", "2.8.2", "2.9", "")))
    kind = draw(st.sampled_from(TYPES)).replace("^", signs.component)
    head = ["MSH", signs.encoded, "HIS", "H01", "HIE", "ZB", "20260101120000+0800", "", kind, "C1", "P", version]
    head += ["", "", draw(st.sampled_from(("", "AL", "NE"))), draw(st.sampled_from(("", "AL", "ER", "??"))), "", name]
    lines = [signs.field.join(head), signs.field.join(("PID", "1", "", "L1", "", draw(texts(signs))))]
    for segment in draw(st.lists(st.sampled_from(SEGMENTS), max_size=8)):
        fields = draw(st.lists(texts(signs), max_size=14))
        lines.append(signs.field.join((segment, *fields)))
    end = draw(st.sampled_from(("\r", "\n", "\r\n", "\r\r")))
    return (end.join(lines) + end).encode(CHARSETS[name], draw(st.sampled_from(("replace", "ignore"))))


def valid(journeys: list[Journey]) -> None:
    """Everything an empty store would keep is valid FHIR."""
    for journey in journeys:
        for outcome in outcomes(journey):
            assert validate(outcome) == [], outcome["resourceType"]


class TestBytes:
    @QUICK
    @given(st.binary(max_size=600))
    def test_any(self, raw: bytes) -> None:
        """Any bytes, alone and behind a header."""
        for sent in (raw, b"MSH|^~\\&|" + raw, sown()[0] + raw):
            travel_all(sent)
            travel_all(sent, GB_SITE)

    @QUICK
    @given(st.data())
    def test_damaged(self, data: st.DataObject) -> None:
        """Messages cut, joined, doubled, with bytes changed: what is understood of them is valid."""
        raw = bytearray(b"".join(data.draw(st.lists(st.sampled_from(sown()), min_size=1, max_size=2))))
        for _ in range(data.draw(st.integers(1, 8))):
            at = data.draw(st.integers(0, len(raw)))
            piece = data.draw(st.one_of(st.binary(max_size=4), st.sampled_from((b"|", b"^", b"\r", b"~", b"\\", b"&"))))
            raw[at : at + data.draw(st.integers(0, 6))] = piece
        valid(travel_all(bytes(raw)))

    @QUICK
    @given(st.data())
    def test_cut_and_repeated(self, data: st.DataObject) -> None:
        """A message cut anywhere, and one with any of its segments repeated or in another order."""
        raw = data.draw(st.sampled_from(sown()))
        valid(travel_all(raw[: data.draw(st.integers(0, len(raw)))]))
        head, *rest = raw.split(b"\r")
        shuffled = data.draw(st.lists(st.sampled_from(rest), max_size=12))
        valid(travel_all(b"\r".join((head, *shuffled))))


class TestStructured:
    @settings(QUICK, max_examples=250)
    @given(messages())
    def test_odd(self, raw: bytes) -> None:
        """Segments, separators, escape sequences and character sets in any mixture: refused in words, or valid FHIR."""
        valid([travel(raw)])

    @QUICK
    @given(messages())
    def test_same_again(self, raw: bytes) -> None:
        """The same bytes mean the same: nothing depends on what came before."""
        first, second = travel(raw), travel(raw)

        assert first.message == second.message
        assert [o["id"] for o in outcomes(first)] == [o["id"] for o in outcomes(second)]

    @QUICK
    @given(st.text(max_size=60), st.sampled_from(DELIMITERS[:3]), st.sampled_from(("UNICODE UTF-8", "GB 18030-2000")))
    def test_text_comes_back(self, text: str, signs: EncodingCharacters, charset: str) -> None:
        """Any text that is escaped is read back whole, but for control characters and how lines end."""
        sent = text.encode("utf-8", "ignore").decode()
        head = ["MSH", signs.encoded, *[""] * 6, f"ADT{signs.component}A01", "C", "P", "2.5", *[""] * 5, charset]
        raw = "\r".join((signs.field.join(head), f"ZZZ{signs.field}{escape(sent, signs)}"))
        journey = travel(raw.encode(CHARSETS[charset]))

        expected = "".join(c for c in sent.replace("\r\n", "\n").replace("\r", "\n") if c in "\t\n" or ord(c) > 31)
        assert journey.message is not None
        # Where nothing but blanks is sent, nothing is.
        assert journey.message.segments[-1].fields == (((((expected),),),) if escape(sent, signs) else (),)


class TestDeclared:
    @QUICK
    @given(st.binary(min_size=1, max_size=40), st.sampled_from(sorted(set(CHARSETS) - {"8859/1"})))
    def test_no_mojibake(self, name: bytes, charset: str) -> None:
        """Bytes are read exactly as declared, or refused: what is read, written again, is what was sent."""
        clean = bytes(byte for byte in name if byte > 31 and byte not in b"|^~\\&")
        raw = b"MSH|^~\\&|||||||ADT^A01|C|P|2.5||||||%s\rZZZ|%s\r" % (charset.encode(), clean)
        journey = travel(raw)

        if journey.message is None:
            assert isinstance(journey.error, AdapterError) and journey.error.location == "MSH^1^18"
            return
        codec = declared_codec(raw) or "utf-8"
        again = "|".join(journey.message.segments[1].raw_fields)
        assert again.encode(codec).decode(codec) == clean.decode(codec)


class TestFindings:
    """Inputs that once broke something."""

    @pytest.mark.parametrize("name", sorted(one.name for one in FINDINGS.glob("*.hl7")))
    def test_replayed(self, name: str) -> None:
        """It is understood or refused, and what is understood is valid."""
        raw = (FINDINGS / name).read_bytes()
        for site in (SITE, GB_SITE, Site("bare")):
            valid(travel_all(raw, site))


class TestSeeds:
    def test_understood(self) -> None:
        """The seeds are good messages: all parsed and translated, so that a search begins deep inside."""
        journeys = [journey for seed in sown() for journey in travel_all(seed)]

        assert all(journey.message is not None for journey in journeys)
        assert sum(bool(journey.translation and journey.translation.translated) for journey in journeys) >= 11
        valid(journeys)
