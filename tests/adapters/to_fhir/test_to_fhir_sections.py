"""Segments in the sections that their meaning has."""

from __future__ import annotations

from to_fhir_world import parse

from adapters.hl7v2.to_fhir.sections import Order, loose_results, orders, reports

HEAD = "MSH|^~\\&|LIS|H1|HIE|ZB|20260301||ORU^R01|1|P|2.5.1"


def read(*lines: str, orc_follows: bool = False) -> list[Order]:
    return orders(parse("\r".join([HEAD, *lines])).segments[1:], orc_follows=orc_follows)


def shape(order: Order) -> tuple[list[str], list[str], list[str]]:
    """Segment names, OBX-5 of its results, SPM-1 of its specimens."""
    return (
        [segment.name for segment in order.segments],
        [result.obx.text(5) for result in order.results],
        [sample.spm.text(1) for sample in order.samples],
    )


class TestOrders:
    def test_shared_orc(self) -> None:
        """A second OBR is a second order under the same ORC."""
        found = read("ORC|RE|O1", "OBR|1", "OBX|1|NM|A||1", "OBR|2", "OBX|1|NM|A||2")

        assert [shape(one) for one in found] == [(["ORC", "OBR"], ["1"], []), (["ORC", "OBR"], ["2"], [])]

    def test_orc_behind(self) -> None:
        """In OUL R22 to R24 the ORC stands behind its OBR, and is not shared."""
        found = read("OBR|1", "ORC|SC|O1", "OBX|1|NM|A||1", "OBR|2", "OBX|1|NM|A||2", orc_follows=True)

        assert [shape(one)[0] for one in found] == [["OBR", "ORC"], ["OBR"]]

    def test_specimen_behind(self) -> None:
        """A specimen behind an order is that order's; what was seen of it is not a result of the order."""
        found = read("OBR|1", "OBX|1|NM|A||1", "SPM|7", "OBX|1|ST|H||haemolysed", "OBR|2", "OBX|1|NM|A||2")

        assert [shape(one) for one in found] == [(["OBR"], ["1"], ["7"]), (["OBR"], ["2"], [])]
        assert found[0].samples[0].results[0].obx.text(5) == "haemolysed"

    def test_specimen_between(self) -> None:
        """Senders put SPM between OBR and its results."""
        assert shape(read("OBR|1", "SPM|7", "OBX|1|NM|A||1")[0]) == (["OBR"], ["1"], ["7"])

    def test_specimen_before(self) -> None:
        """A specimen before the first order governs the orders behind it."""
        found = read("SPM|7", "OBX|1|ST|H||x", "OBR|1", "OBX|1|NM|A||1", "OBR|2", "SPM|8", "OBR|3")

        assert [shape(one)[2] for one in found] == [["7"], ["7"], ["8"]]
        assert [shape(one)[1] for one in found] == [["1"], [], []]

    def test_containers(self) -> None:
        """OUL R21 has a container before each order, R23 several of one specimen."""
        alone = read("SAC|||C1", "OBR|1", "SAC|||C2", "OBR|2")
        shared = read("SPM|7", "SAC|||C1", "OBR|1", "SAC|||C2", "OBR|2")

        assert [one.samples[0].containers[0].text(3) for one in alone] == ["C1", "C2"]
        assert [(one.samples[0].spm.text(1), one.samples[0].containers[0].text(3)) for one in shared] == [
            ("7", "C1"),
            ("7", "C2"),
        ]

    def test_notes(self) -> None:
        """A note belongs to what it follows."""
        (found,) = read("OBR|1", "NTE|1||order", "OBX|1|NM|A||1", "NTE|1||result", "SPM|7", "NTE|1||specimen")

        assert [note.text(3) for note in found.notes] == ["order"]
        assert [note.text(3) for note in found.results[0].notes] == ["result"]
        assert [note.text(3) for note in found.samples[0].notes] == ["specimen"]

    def test_administrations(self) -> None:
        """Each RXA is a dose of the same prescription, with its own route."""
        found = read("ORC|RE|O1", "RXE|1", "RXR|A", "RXA|0|1", "RXR|B", "RXA|0|2", "RXR|C")

        assert [shape(one)[0] for one in found] == [
            ["ORC", "RXE", "RXR", "RXA", "RXR"],
            ["ORC", "RXE", "RXA", "RXR"],
        ]
        assert [one.last("RXR").text(1) for one in found] == ["B", "C"]


class TestReports:
    def test_equal_headers(self) -> None:
        """Equal OBR are one report; another number, or another service, is another."""
        found = reports(read("OBR|1|O|F|A", "OBX|1|NM|A||1", "OBR|2|O|F|A", "OBX|1|NM|A||2", "OBR|3|O|F|B"))

        assert [shape(one)[1] for one in found] == [["1", "2"], []]


class TestLoose:
    def test_before_orders(self) -> None:
        """Only what stands before the first order or specimen is of no order."""
        message = parse("\r".join([HEAD, "OBX|1|NM|A||1", "NTE|1||x", "OBX|1|NM|B||2", "SPM|1", "OBX|1|NM|C||3"]))
        found = list(loose_results(message.segments))

        assert [(one.obx.text(5), len(one.notes)) for one in found] == [("1", 1), ("2", 0)]
