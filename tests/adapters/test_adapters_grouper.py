"""Segments to groups, beside hl7apy where that can do it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters_messages import PID, PV1, SITE, header, read, samples
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message

from adapters.errors import AdapterError
from adapters.hl7v2.message import Group, Segment
from adapters.hl7v2.parser import parse

OBR = "OBR|1|||58410-2^CBC^LN"


def shape(node: Group | Segment) -> Any:
    return (node.name, *map(shape, node.children)) if isinstance(node, Group) else node.name


def oracle(element: Any) -> Any:
    """hl7apy's tree in the same shape."""
    if element.classname == "Segment":
        return element.name
    return (element.name, *map(oracle, element.children))


class TestGroup:
    def test_results(self) -> None:
        """Two orders with results and notes, each in a group of its own."""
        order = ("ORC|RE", OBR, "NTE|1||o", "OBX|1", "NTE|1||x", "OBX|2")
        lines = (header("ORU^R01^ORU_R01"), PID, "NTE|1||p", PV1, *order, OBR, "OBX|1", "SPM|1")
        observation = "ORU_R01_OBSERVATION"

        assert shape(read(*lines).root) == (
            "ORU_R01", "MSH",
            ("ORU_R01_PATIENT_RESULT",
             ("ORU_R01_PATIENT", "PID", "NTE", ("ORU_R01_VISIT", "PV1")),
             ("ORU_R01_ORDER_OBSERVATION", "ORC", "OBR", "NTE", (observation, "OBX", "NTE"), (observation, "OBX")),
             ("ORU_R01_ORDER_OBSERVATION", "OBR", (observation, "OBX"), ("ORU_R01_SPECIMEN", "SPM"))),
        )  # fmt: skip

    def test_z_and_unknown_segments_stay_in_place(self) -> None:
        """What the grammar does not know stays beside what it follows."""
        message = read(header("ORU^R01^ORU_R01"), PID, "ZPI|1", OBR, "OBX|1", "ZOB|1", "QQQ|1", "OBX|2")

        assert [segment.name for segment in message.root.walk()] == [s.name for s in message.segments]
        (result,) = message.root.groups("PATIENT_RESULT")
        (order,) = result.groups("ORDER_OBSERVATION")
        assert [shape(g)[1:] for g in order.groups("OBSERVATION")] == [("OBX", "ZOB", "QQQ"), ("OBX",)]
        assert [f.location for f in message.findings if f.condition == "100"] == ["QQQ^7"]

    def test_missing_beginning(self) -> None:
        """A group whose first required segment is missing is opened all the same, and the lack is reported."""
        message = read(header("VXU^V04^VXU_V04"), PID, "RXA|0|1|20260101||08^HepB^CVX|0.5", "OBX|1", "RXA|0|1|20260102")

        orders = list(message.root.groups("ORDER"))
        assert [shape(order)[1] for order in orders] == ["RXA", "RXA"]
        assert [f.location for f in message.findings if "ORC is required" in f.text] == ["ORC", "ORC"]

    def test_out_of_order(self) -> None:
        """A segment that comes too late is kept at its level, and reported."""
        message = read(header(), "EVN||20260101", PID, PV1, "PD1|x", "AL1|1||A")

        assert shape(message.root) == ("ADT_A01", "MSH", "EVN", "PID", "PV1", "PD1", "AL1")
        assert [f.location for f in message.findings if "order" in f.text] == ["PD1^5"]

    def test_merges(self) -> None:
        """Each PID of A40 with its MRG."""
        message = read(header("ADT^A40^ADT_A39"), "EVN||20260101", PID, "MRG|L2", PID, "MRG|L3")

        assert [shape(group)[1:] for group in message.root.groups("PATIENT")] == [("PID", "MRG"), ("PID", "MRG")]

    def test_choice(self) -> None:
        """One of several order details (hl7apy cannot group these)."""
        message = read(header("ORM^O01^ORM_O01"), PID, "ORC|NW|1", "RXO|1", "ORC|NW|2", OBR)
        details = [segment.name for order in message.root.groups("ORDER") for segment in order.walk()]
        choices = [shape(choice) for order in message.root.groups("ORDER") for detail in order.groups("ORDER_DETAIL")
                   for choice in detail.groups("SUPPGRP")]  # fmt: skip

        assert details == ["ORC", "RXO", "ORC", "OBR"]
        assert [choice[1:] for choice in choices] == [("RXO",), ("OBR",)]

    def test_local_event(self) -> None:
        """A type that no version knows keeps its segments, ungrouped."""
        assert shape(read(header("ZZZ^Z01"), PID, "OBX|1").root) == ("ZZZ_Z01", "MSH", "PID", "OBX")

    def test_like_hl7apy(self, shared_data: Path) -> None:
        """On the structure samples, the tree is that of hl7apy wherever hl7apy keeps all segments."""
        same = different = 0
        for _, raw in samples(shared_data / "hl7v2" / "structures"):
            try:
                ours = parse(raw, site=SITE)
                text = "\r".join(line for line in raw.decode().splitlines() if line)
                theirs = parse_message(text, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=True)
            except (AdapterError, HL7apyException):
                continue
            tree = oracle(theirs)
            if str(tree).count("'") != str(shape(ours.root)).count("'"):
                continue
            same, different = (same + 1, different) if tree == shape(ours.root) else (same, different + 1)

        assert same >= 100
        assert different == 0
