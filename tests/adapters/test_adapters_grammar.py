"""The grammars of all versions, and the structure of a message."""

from __future__ import annotations

import pytest

from adapters.hl7v2.grammar import grammar, nearest
from adapters.hl7v2.grammar.structures import structure
from adapters.hl7v2.grammar.versions import VERSIONS


class TestGrammar:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_every_version(self, version: str) -> None:
        """Each version has messages whose segments it knows."""
        known = grammar(version)

        assert len(known.structures) >= 39
        assert known.structures["ADT_A01"].first == {"MSH"}
        assert {"MSH", "PID", "OBR", "OBX"} <= set(known.segments)

    def test_withdrawn_fields_keep_their_place(self) -> None:
        """A field is known by its number, though the tables leave out withdrawn ones before it."""
        rule = grammar("2.8").segments["EVN"]

        assert rule.required == (1,)
        assert [at for at, datatype in enumerate(rule.datatypes) if datatype and datatype.name == "XCN"] == [4]

    def test_first_of_a_group(self) -> None:
        """A group can begin with everything up to its first required part."""
        result = grammar("2.5.1").groups["ORU_R01_PATIENT_RESULT"]

        assert result.first == {"PID", "ORC", "OBR"}

    @pytest.mark.parametrize(
        ("version", "known"),
        [
            ("2.5.1", "2.5.1"),
            ("2.9", "2.8.2"),
            ("2.3.2", "2.3.1"),
            ("2", "2.1"),
            ("", "2.5.1"),
            ("3.0", None),
            ("x", None),
        ],
    )
    def test_nearest(self, version: str, known: str | None) -> None:
        """A version without a grammar is read by the last one before it."""
        assert nearest(version) == known


class TestStructure:
    @pytest.mark.parametrize(
        ("version", "event", "named", "expected"),
        [
            ("2.5.1", "ADT_A08", "", "ADT_A01"), ("2.3", "ADT_A08", "", "ADT_A01"), ("2.2", "ADT_A08", "", "ADT_A08"),
            ("2.5.1", "ADT_A28", "", "ADT_A05"), ("2.3.1", "ADT_A28", "", "ADT_A01"), ("2.4", "ADT_A40", "", "ADT_A39"),
            ("2.8", "ADT_A26", "", "ADT_A21"), ("2.3", "ADT_A34", "", "ADT_A30"), ("2.8", "ADT_A47", "", "ADT_A30"),
            ("2.5", "SIU_S15", "", "SIU_S12"), ("2.5", "MDM_T08", "", "MDM_T02"), ("2.5", "ORU_R01", "", "ORU_R01"),
            ("2.3", "OML_O21", "", "OML_O21"), ("2.5", "QBP_Q22", "", "QBP_Q21"), ("2.5", "ACK_", "", "ACK"),
            ("2.5.1", "ADT_A08", "ADT_A08", "ADT_A01"), ("2.5.1", "ORU_R01", "ORM_O01", "ORU_R01"),
            ("2.5.1", "ADT_A01", "ADT_A01", "ADT_A01"), ("2.5.1", "QBP_Z44", "QBP_Q11", "QBP_Q11"),
            ("2.5.1", "ZZZ_Z01", "", "ZZZ_Z01"),
        ],
    )  # fmt: skip
    def test_by_event(self, version: str, event: str, named: str, expected: str) -> None:
        """MSH-9.3 where it serves the event, else table 0354, else another version, else the event's own name."""
        code, _, trigger = event.partition("_")

        assert structure(version, code, trigger, named).name == expected

    def test_contradiction_is_said(self) -> None:
        """A name that does not serve the event, or a type of another version, or of none, is a finding."""
        assert structure("2.5.1", "ORU", "R01", "ORM_O01").findings
        assert structure("2.3", "OML", "O21", "").findings
        assert structure("2.5.1", "ZZZ", "Z01", "").findings
        assert not structure("2.5.1", "ADT", "A08", "").findings
