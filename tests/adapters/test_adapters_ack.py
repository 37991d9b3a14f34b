"""Answers: in the sender's version, separators, character set, and only where one is asked for."""

from __future__ import annotations

import pytest
from adapters_messages import SITE, admission, clock, header, message
from hl7apy.parser import parse_message

from adapters.errors import NotUnderstood, TooLarge
from adapters.hl7v2.ack import acknowledge
from adapters.hl7v2.message import Finding, Message
from adapters.hl7v2.parser import parse, read_header

ERROR = NotUnderstood("The control id | is & odd.", location="PID^1^3", condition="102")


def answer(raw: bytes, code: str = "AA", error: NotUnderstood | None = None) -> Message:
    sent = acknowledge(read_header(raw), code, error=error, clock=clock)
    assert sent is not None
    return parse(sent, site=SITE)


class TestAcknowledge:
    def test_accepted(self) -> None:
        """Sender and receiver change places; MSA-2 is the sender's control id."""
        ack = answer(admission(charset="UNICODE UTF-8", processing="T"))
        msh, msa = ack.header, ack.first("MSA")

        assert [msh.text(at) for at in (3, 4, 5, 6)] == ["HIE", "ZIBO", "HIS", "H01"]
        assert (msh.raw(9), msh.text(11), msh.text(12), msh.text(18)) == ("ACK^A01^ACK", "T", "2.5.1", "UNICODE UTF-8")
        assert msh.text(7) == "20260101040000+0000"
        assert (msa.text(1), msa.text(2), len(ack.segments)) == ("AA", "C1", 2)

    def test_every_answer_has_an_id(self) -> None:
        """Control ids of answers are their own."""
        assert len({answer(admission()).control_id for _ in range(50)}) == 50

    @pytest.mark.parametrize("version", ["2.1", "2.2", "2.3", "2.3.1", "2.4"])
    def test_error_before_2_5(self, version: str) -> None:
        """ERR-1 has place and condition; MSA-3 the words."""
        ack = answer(admission(version=version), "AE", ERROR)

        assert ack.first("ERR").raw(1) == "PID^1^3^102&Data type error&HL70357"
        assert (ack.first("MSA").text(1), ack.first("MSA").text(3)) == ("AE", ERROR.text)

    @pytest.mark.parametrize("version", ["2.5", "2.5.1", "2.6", "2.7", "2.8"])
    def test_error_since_2_5(self, version: str) -> None:
        """ERR-2 place, ERR-3 condition, ERR-4 severity, ERR-8 words."""
        err = answer(admission(version=version), "AE", ERROR).first("ERR")

        assert (err.raw(2), err.raw(3)) == ("PID^1^3", "102^Data type error^HL70357")
        assert (err.text(4), err.text(8)) == ("E", ERROR.text)

    @pytest.mark.parametrize("version", ["2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7"])
    def test_valid(self, version: str) -> None:
        """hl7apy finds nothing wrong with an acceptance or a refusal; nor do we."""
        for code, error in (("AA", None), ("AE", ERROR)):
            raw = acknowledge(read_header(admission(version=version)), code, error=error, clock=clock)
            assert raw is not None

            assert parse_message(raw.decode()).validate()
            assert parse(raw, site=SITE).findings == ()

    @pytest.mark.parametrize("version", ["2.2", "2.3", "2.4"])
    def test_type_by_version(self, version: str) -> None:
        """MSH-9 grew with the versions."""
        expected = {"2.2": "ACK", "2.3": "ACK^A01", "2.4": "ACK^A01^ACK"}

        assert answer(admission(version=version)).header.raw(9) == expected[version]

    @pytest.mark.parametrize(("charset", "codec"), [("GB 18030-2000", "gb18030"), ("BIG-5", "big5"), ("", "gb18030")])
    def test_character_set(self, charset: str, codec: str) -> None:
        """The sender reads its own name back, in its own character set."""
        raw = message(header(charset=charset, sender="系統|醫院"), codec=codec)
        ack = acknowledge(read_header(raw), "AA", clock=clock)

        assert ack is not None
        assert "|系統|醫院|".encode(codec) in ack

    def test_separators(self) -> None:
        """The answer has the separators of the message."""
        ack = answer(b"MSH$%*!@$HIS$H01$HIE$ZIBO$1$$ADT%A01$C1$P$2.5.1\r", "AE", ERROR)

        assert ack.header.raw(2) == "%*!@"
        assert ack.first("ERR").raw(2) == "PID%1%3"

    def test_nothing_harmful_is_echoed(self) -> None:
        """Control bytes, line ends and endless ids do not come back."""
        raw = b"MSH|^~\\&|H\x1cIS\x0b|H\x0001|||1||ADT^A01|C\x1c\x0b1" + b"9" * 5000 + b"|P|2.5.1\rPID"
        ack = acknowledge(read_header(raw), "AA", clock=clock)

        assert ack is not None
        assert not set(ack) & {0x00, 0x0B, 0x1C}
        assert len(ack) < 800
        assert ack.count(b"\r") == 2

    def test_unreadable(self) -> None:
        """A message without a readable header is answered all the same."""
        raw = acknowledge(None, "AR", error=TooLarge("Too large."), clock=clock)

        assert raw is not None
        ack = parse(raw, site=SITE)
        assert (ack.first("MSA").text(1), ack.first("MSA").text(2), ack.first("ERR").text(8)) == (
            "AR",
            "",
            "Too large.",
        )

    def test_findings(self) -> None:
        """Warnings can be told with an acceptance."""
        raw = acknowledge(
            read_header(admission()), "AA", findings=(Finding("PID^1^7", "102", "No date."),), clock=clock
        )

        assert raw is not None
        assert parse(raw, site=SITE).first("ERR").text(4) == "W"


class TestEnhanced:
    @pytest.mark.parametrize(
        ("accept", "application", "good", "bad"),
        [
            ("", "", "AA", "AE"), ("AL", "", "CA", "CE"), ("AL", "AL", "CA", "CE"), ("AL", "NE", "CA", "CE"),
            ("NE", "AL", "AA", "AE"), ("NE", "NE", None, None), ("ER", "NE", None, "CE"), ("ER", "AL", "AA", "CE"),
            ("SU", "NE", "CA", None), ("NE", "ER", None, "AE"), ("", "AL", "AA", "AE"), ("NE", "", None, None),
            ("??", "", "CA", "CE"), ("al", "ne", "CA", "CE"),
        ],
    )  # fmt: skip
    def test_conditions(self, accept: str, application: str, good: str | None, bad: str | None) -> None:
        """MSH-15 and MSH-16 say which answers are wanted, table 0155."""
        found = read_header(admission(accept=accept, application=application))
        for code, expected in (("AA", good), ("AE", bad)):
            sent = acknowledge(found, code, clock=clock)
            assert (sent and parse(sent, site=SITE).first("MSA").text(1)) == expected
