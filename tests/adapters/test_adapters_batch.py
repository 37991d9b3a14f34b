"""Batches and frames with more than one message."""

from __future__ import annotations

import pytest
from adapters_messages import PID, admission, header, message

from adapters.hl7v2.batch import findings, split


def batch(*controls: str, stated: str = "", end: str = "\r") -> bytes:
    bodies = [line for control in controls for line in (header(control=control), PID)]
    return message("FHS|^~\\&|HIS", "BHS|^~\\&|HIS", *bodies, f"BTS|{stated}", "FTS|1", end=end)


class TestSplit:
    @pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
    def test_batch(self, end: str) -> None:
        """Every message by itself, without the batch around it."""
        messages = split(batch("1", "2", "3", end=end))

        assert [b"|ADT^A01^ADT_A01|%d|" % number in text for number, text in enumerate(messages, 1)] == [True] * 3
        assert all(text.startswith(b"MSH|") and b"BTS" not in text and b"FTS" not in text for text in messages)

    def test_one_message(self) -> None:
        """One message is untouched, to the byte."""
        raw = b"\xef\xbb\xbf\r\n" + admission()

        assert split(raw) == [raw]

    def test_two_in_a_frame(self) -> None:
        """Two messages in a row are two."""
        assert split(admission(control="1") + admission(control="2")) == [
            admission(control="1"),
            admission(control="2"),
        ]

    @pytest.mark.parametrize("raw", [b"", b"noise", b"noise\rMSH|^~\\&|", b"FHS|^~\\&|HIS\rFTS|0\r"])
    def test_no_batch(self, raw: bytes) -> None:
        """What holds no message comes back whole, for its refusal."""
        assert split(raw) == [raw]

    def test_text_that_says_msh(self) -> None:
        """MSH in a text begins nothing."""
        raw = message(header(), "NTE|1||MSH|x MSH|y", "OBX|1|TX|a||MSH stands for header")

        assert split(raw) == [raw]


class TestFindings:
    def test_counts(self) -> None:
        """Right or silent counts are fine; wrong ones are told."""
        assert findings(batch("1", "2", stated="2")) == findings(batch("1", "2")) == ()
        assert findings(b"noise") == findings(b"") == ()
        (found,) = findings(batch("1", "2", stated="3"))
        assert (found.location, found.text) == ("BTS^1^1", "The count says 3; 2 came.")
