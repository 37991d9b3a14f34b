"""Findings: departures from the grammar that are reported and let through."""

from __future__ import annotations

import pytest
from adapters_messages import PID, PV1, header, read

from adapters.hl7v2.validator import MOST


def found(*lines: str) -> set[tuple[str, str]]:
    return {(finding.location, finding.condition) for finding in read(*lines).findings}


class TestValidate:
    def test_good(self) -> None:
        """A well-formed message has no findings."""
        assert found(header(), "EVN||20260101", PID, PV1) == set()

    @pytest.mark.parametrize(
        ("line", "location", "condition"),
        [
            ("PID|1||||王^晓梅", "PID^1^3", "101"),
            ("PID|1||L1||王||19851340", "PID^1^7^1", "102"),
            ("PID|one||L1||王", "PID^1^1", "102"),
            ("PID|1||L1^^^^MR^^notdate||王", "PID^1^3^7", "102"),
            ("PID|1||L1^^^^WHAT||王", "PID^1^3^5", "103"),
            ("PID|1||L1||王" + "|" * 25 + "Q", "PID^1^30", "103"),
            ("PID|1||L1||王" + "|" * 35 + "x", "PID^1^40", "102"),
            ("PID|1||L1||王||19850612~19850613", "PID^1^7", "102"),
            ("PID|1^2||L1||王", "PID^1^1", "102"),
        ],
    )
    def test_field(self, line: str, location: str, condition: str) -> None:
        """Required, form, table, surplus, repetitions, components: where and what."""
        assert (location, condition) in found(header(), "EVN||20260101", line, PV1)

    def test_nulls_are_well_formed(self) -> None:
        """`""` is no wrong date."""
        assert found(header(), "EVN||20260101", 'PID|1||L1||王||""|""', PV1) == set()

    def test_segments(self) -> None:
        """A required segment that is missing, one too many."""
        assert found(header(), "EVN||20260101", PID) == {("PV1", "100")}
        assert ("PV1", "100") in found(header(), "EVN||20260101", PID, PV1, PV1)

    @pytest.mark.parametrize(
        ("obx", "location"),
        [
            ("OBX|1|NM|a^b^LN||about 5||||||F", "OBX^1^5"), ("OBX|1|DT|a^b^LN||tomorrow||||||F", "OBX^1^5"),
            ("OBX|1||a^b^LN||5||||||F", "OBX^1^2"), ("OBX|1|QQ|a^b^LN||5||||||F", "OBX^1^2"),
            ("OBX|1|NM|a^b^LN||5^6||||||F", "OBX^1^5"), ("OBX|1|ED|a^b^LN||a^TEXT^x^Base65||||||F", "OBX^1^5^4"),
        ],
    )  # fmt: skip
    def test_value_is_of_its_type(self, obx: str, location: str) -> None:
        """OBX-5 is what OBX-2 says."""
        lines = (header("ORU^R01^ORU_R01"), PID, "OBR|1|||58410-2^CBC^LN")

        assert location in {place for place, _ in found(*lines, obx)}
        assert (
            found(*lines, "OBX|1|NM|a^b^LN||5.0||||||F", "OBX|2|ST|a^b^LN||a^b||||||F", "OBX|3|NM|a^b^LN||||||||X")
            == set()
        )

    def test_an_end(self) -> None:
        """A message of another world does not drown its receiver in findings."""
        assert len(read(header(), *(["PID|x|||||||||||||||x"] * 100)).findings) <= MOST + 110

    def test_no_health_data(self) -> None:
        """Findings do not quote what was sent."""
        texts = [finding.text for finding in read(header(), "PID|secret||secret||x||secret|||||||secret").findings]

        assert texts
        assert not any("secret" in text for text in texts)
