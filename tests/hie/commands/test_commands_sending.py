"""Messages in files, however they were saved, and what is counted of their answers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from hie.commands.corpus import Answered, Corpus, Row, _answered, kind_of, markdown, wants_answer
from hie.commands.sending import messages_in

ONE = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5\rPID|1||x\r"
TWO = b"MSH|^~\\&|A|B|C|D|20260101||ORU^R01^ORU_R01|2|P|2.5\rPID|1||y\r"


class TestMessagesIn:
    @pytest.mark.parametrize(
        "content",
        [
            ONE + TWO,
            ONE.replace(b"\r", b"\n") + b"\n\n" + TWO.replace(b"\r", b"\n"),
            b"\x0b" + ONE + b"\x1c\r\x0b" + TWO + b"\x1c\r",
            b"\xef\xbb\xbf" + ONE + b"\r\n" + TWO,
        ],
    )
    def test_divided(self, content: bytes) -> None:
        """Segments by CR or LF, frames, a byte order mark: two messages are two messages."""
        found = list(messages_in(content))

        assert len(found) == 2
        assert [one.split(b"|")[9] for one in found] == [b"1", b"2"]

    def test_not_hl7(self) -> None:
        """What is no HL7 is sent as it is."""
        assert list(messages_in(b"hello")) == [b"hello"]


class TestCounting:
    def test_kind(self) -> None:
        """Type and event are counted, never anything else of a header."""
        assert kind_of(TWO) == "ORU^R01"
        assert kind_of(b"MSH|^~\\&|A|B|C|D|x||\xe7\x8e\x8b|1") == "not readable"
        assert kind_of(b"hello") == "not readable"

    def test_wants_answer(self) -> None:
        """NE in MSH-15 and MSH-16 asks for none."""
        silent = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5|||NE|NE\rPID|1||x\r"
        assert wants_answer(ONE)
        assert not wants_answer(silent)

    @pytest.mark.parametrize(
        ("answer", "code", "reason"),
        [
            (b"MSH|^~\\&|\rMSA|AA|1\r", "AA", ""),
            (b"MSH|^~\\&|\rMSA|AE|1\rERR||MSH^1^9|101^x^HL70357|E||||No event.\r", "AE", "No event."),
            (b"", "none", ""),
        ],
    )
    def test_answered(self, answer: bytes, code: str, reason: str) -> None:
        """Code and reason of an acknowledgement."""
        assert _answered("here", ONE, answer) == Answered("here", "ADT^A01", code, reason)

    def test_report(self) -> None:
        """The report counts by type and holds no path of this machine."""
        row = Row(sent=2)
        row.codes.update({"AA": 1, "AE": 1})
        row.reasons.update({"AE: The event is missing.": 1})
        row.states.update({"committed": 1, "rejected": 1})
        row.resources.update({"Patient": 1})
        text = markdown(Corpus((Path("/somewhere/a.hl7"),), {"ADT^A01": row}, Counter({"samples": 2})))

        assert "| ADT^A01 | 2 | AA 1, AE 1 | committed 1, rejected 1 | Patient 1 |" in text
        assert "The event is missing." in text
        assert "/somewhere" not in text
