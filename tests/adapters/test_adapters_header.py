"""The cheap look: who sent what, about whom."""

from __future__ import annotations

import pytest
from adapters_messages import PID, admission, header, message

from adapters.errors import NotUnderstood
from adapters.hl7v2.parser import read_header


class TestReadHeader:
    def test_fields(self) -> None:
        """Sender, control id, type, mode, version, character set."""
        found = read_header(admission(charset="UNICODE UTF-8", sender="HIS^x|H01&y", accept="AL", processing="T"))

        assert (found.sender, found.control_id, found.type) == ("HIS|H01&y", "C1", "ADT^A01")
        assert (found.processing_id, found.version, found.declared, found.charset) == (
            "T",
            "2.5.1",
            "UNICODE UTF-8",
            "utf-8",
        )
        assert (found.accept_acknowledgement, found.application_acknowledgement) == ("AL", "")

    @pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
    def test_undeclared(self, codec: str) -> None:
        """Without MSH-18 the header is read by what fits, so that it can be answered."""
        found = read_header(message(header(sender="信息系统|市中心医院"), PID, codec=codec))

        assert found.sender == "信息系统|市中心医院"
        assert found.charset == codec

    def test_wrong_bytes(self) -> None:
        """Bytes that are in no character set do not stop it; nor does a message cut off anywhere after MSH-2."""
        assert read_header(b"MSH|^~\\&|\xff\xff|H|||1||ADT^A01|C9|P|2.5\rPID|\xff").control_id == "C9"
        raw = admission(charset="GBK")
        for end in range(9, len(raw)):
            read_header(raw[:end])

    @pytest.mark.parametrize(
        "raw", [b"", b"GET / HTTP/1.1\r\n", b"PID|1", b"MSH", b"MSH|^^", b"FHS|^~\\&", b"\xff\xfeM\x00S\x00H\x00"]
    )
    def test_no_header(self, raw: bytes) -> None:
        """What does not begin with MSH is not understood."""
        with pytest.raises(NotUnderstood):
            read_header(raw)


class TestPatients:
    @pytest.mark.parametrize(
        ("pid", "key"),
        [
            ("PID|1||L1^^^H01^MR~370303198506120428^^^^NI", "L1"),
            ("PID|1||370303198506120428^^^^NI~L1^^^H01^MR", "L1"),
            ("PID|1||X9^^^NHS^NH~L1^^^H01^MR", "L1"), ("PID|1||370303198506120428^^^^NI", "370303198506120428"),
            ("PID|1||L1", "L1"), ("PID|1|E7||ALT", "E7"), ("PID|1|||ALT", "ALT"),
            ("PID|1||||王" + "|" * 13 + "ACC", "ACC"),
            ("PID|1", ""), ("PID", ""), ("PID|1||^^^H01", ""),
        ],
    )  # fmt: skip
    def test_lane_key(self, pid: str, key: str) -> None:
        """The sender's own record number, wherever it stands; another number where there is none."""
        assert read_header(message(header(), "EVN||1", pid)).lane_key == key

    def test_merge(self) -> None:
        """The survivor orders; the merged record is the other."""
        found = read_header(message(header("ADT^A40"), "EVN||1", "PID|1||L1^^^H01^MR", "MRG|L2^^^H01^MR"))

        assert (found.lane_key, found.other_patient_key, found.patient_keys) == ("L1", "L2", ("L1", "L2"))

    def test_two_patients(self) -> None:
        """A link or swap names two patients; the same patient twice is one."""
        assert read_header(message(header("ADT^A24"), "PID|1||L1", "PV1|1", "PID|2||L2")).other_patient_key == "L2"
        assert read_header(message(header("ORU^R01"), "PID|1||L1", "PV1|1", "PID|2||L1")).other_patient_key == ""

    def test_separators_and_line_ends(self) -> None:
        """Own separators, LF, and a character that hides a separator."""
        raw = "MSH$%*!@$HIS$H01$$$1$$ADT%A01$C1$P$2.5$$$$$$GBK\nPID$1$$L1亅%%%H01%MR*x\n".encode("gb18030")

        assert read_header(raw).lane_key == "L1亅"
