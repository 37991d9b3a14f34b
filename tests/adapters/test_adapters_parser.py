"""The whole parser: what is taken, what is refused, and that nothing else ever happens."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from adapters_messages import PID, SITE, admission, header, message, read, samples
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.errors import AdapterError, NotUnderstood, Unsupported
from adapters.hl7v2.parser import parse, read_header


class TestParse:
    def test_admission(self) -> None:
        """Type, event, structure, version, control id."""
        parsed = parse(admission(), site=SITE)

        assert (parsed.type, parsed.structure, parsed.version, parsed.control_id) == (
            "ADT^A01",
            "ADT_A01",
            "2.5.1",
            "C1",
        )
        assert parsed.first("PID").text(5, 2) == "晓梅"
        assert [segment.number for segment in parsed.segments] == [1, 2, 3, 4]

    @pytest.mark.parametrize(
        ("fields", "error", "location"),
        [
            ({"kind": ""}, NotUnderstood, "MSH^1^9^1"), ({"kind": "QQQ"}, NotUnderstood, "MSH^1^9^2"),
            ({"control": ""}, NotUnderstood, "MSH^1^10"), ({"processing": "X"}, Unsupported, "MSH^1^11"),
            ({"version": "3.0"}, Unsupported, "MSH^1^12"),
        ],
    )  # fmt: skip
    def test_refused(self, fields: dict[str, str], error: type[AdapterError], location: str) -> None:
        """Without type, event or control id nothing can be done; other modes and versions are not ours."""
        with pytest.raises(error) as refused:
            read(header(**fields), PID)

        assert refused.value.location == location

    @pytest.mark.parametrize("processing", ["P", "T", "D", "P^T", ""])
    def test_processing_ids(self, processing: str) -> None:
        """Production, training, debugging; whether a test is welcome is for the exchange to say."""
        assert read(header(processing=processing), PID).control_id == "C1"

    def test_event_from_the_message(self) -> None:
        """Version 2.1 style: the event is in EVN-1, or there is only one."""
        assert read(header("ADT", version="2.1"), "EVN|A01", PID).type == "ADT^A01"
        assert read(header("ORU", version="2.1"), PID).type == "ORU^R01"
        assert read(header("ACK", version="2.1"), "MSA|AA|1").type == "ACK^"

    @pytest.mark.parametrize("version", ["2.9", "2.3.2", "", "2.5.1^CHN"])
    def test_odd_versions(self, version: str) -> None:
        """A version without a grammar is read by the nearest."""
        assert read(header(version=version), PID).structure == "ADT_A01"

    def test_every_sample(self, shared_data: Path) -> None:
        """Every sample message that has a type and a control id, as it stands in its file."""
        refused, count = [], 0
        for name, raw in samples(shared_data / "hl7v2"):
            count += 1
            try:
                parsed = parse(raw, site=SITE)
            except AdapterError as error:
                refused.append((name, error.location))
                continue
            assert tuple(parsed.root.walk()) == parsed.segments
            assert read_header(raw).control_id == parsed.header.raw(10)
            assert all(finding.severity == "W" for finding in parsed.findings)

        # A line of documentation that looks like a message, and an acknowledgement without a control id.
        assert refused == [("messages.txt", "MSH^1^9^1"), ("messages.txt", "MSH^1^10")]
        assert count == 1327

    def test_speed(self) -> None:
        """20 results in a few milliseconds, even on a busy machine."""
        obx = [f"OBX|{n}|NM|1558-6^空腹血糖^LN||{n}.5|mmol/L|3.9-6.1|H|||F" for n in range(20)]
        raw = message(header("ORU^R01^ORU_R01"), PID, "OBR|1|||1558-6^空腹血糖^LN", *obx)
        parse(raw, site=SITE)
        started = time.process_time()
        for _ in range(50):
            parse(raw, site=SITE)

        assert (time.process_time() - started) / 50 < 0.005


class TestFuzz:
    @settings(max_examples=150, deadline=1000)
    @given(st.binary(max_size=400))
    def test_any_bytes(self, raw: bytes) -> None:
        """Any bytes are parsed or refused."""
        for sent in (raw, b"MSH|^~\\&|" + raw):
            try:
                read_header(sent)
                parse(sent, site=SITE)
            except AdapterError:
                continue

    @settings(max_examples=150, deadline=1000)
    @given(st.data())
    def test_damaged(self, data: st.DataObject) -> None:
        """A good message with bytes changed, lost or doubled is parsed or refused, and still has a readable header."""
        raw = bytearray(admission(charset="UNICODE UTF-8") + b"OBX|1|NM|a^b\\T\\c||5\rZZZ|1\r")
        for _ in range(data.draw(st.integers(1, 6))):
            at = data.draw(st.integers(9, len(raw) - 1))
            raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        read_header(bytes(raw))
        try:
            parsed = parse(bytes(raw), site=SITE)
        except AdapterError:
            return
        assert tuple(parsed.root.walk()) == parsed.segments

    @settings(max_examples=100, deadline=1000)
    @given(
        st.lists(
            st.sampled_from(["PID", "PV1", "OBR", "OBX", "NTE", "ORC", "SPM", "ZZZ", "MRG", "EVN", "RXA"]), max_size=30
        )
    )
    def test_any_order(self, names: list[str]) -> None:
        """Whatever the order of segments, the tree has each of them once and in order."""
        for kind in ("ORU^R01", "ADT^A01", "ADT^A40", "VXU^V04", "ORM^O01"):
            parsed = read(header(kind), *(f"{name}|1" for name in names))

            assert tuple(parsed.root.walk()) == parsed.segments
