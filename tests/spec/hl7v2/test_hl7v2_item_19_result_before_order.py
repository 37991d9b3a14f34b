"""
Item 19: a result that comes before its order makes the order; the late NW matches and does not reopen it.

A cancellation after the final result is kept as an event of the order, and is not applied to the report.
"""

from __future__ import annotations

from hl7v2_world import Hl7World
from order_messages import message, obr, obx, orc, result

EARLIER = "20260301060000"
LATER = "20260301150000"


class TestResultFirst:
    async def test_order_from_result(self, hl7: Hl7World) -> None:
        """The result makes its order known, and completes it."""
        await hl7.tell(result())

        order = await hl7.one("ServiceRequest")
        assert (order["status"], order["intent"]) == ("completed", "order")
        assert {i["value"] for i in order["identifier"]} == {"O1", "F1"}
        report = await hl7.one("DiagnosticReport")
        assert report["basedOn"] == [{"reference": f"ServiceRequest/{order['id']}"}]

    async def test_late_order(self, hl7: Hl7World) -> None:
        """The late NW, older or newer by its clock, adds who asked and leaves the order completed."""
        for at in (EARLIER, LATER):
            new = "ORC|NW|O1||||||||||D1^张医生"
            await hl7.tell(result(), message("ORM^O01", new, obr("O1", ""), at=at))

            order = await hl7.one("ServiceRequest")
            assert order["status"] == "completed"
            assert order["requester"]["display"] == "张医生"

    async def test_preliminary_first(self, hl7: Hl7World) -> None:
        """A preliminary result leaves its order active until the final one."""
        await hl7.tell(result(status="P"))
        assert (await hl7.one("ServiceRequest"))["status"] == "active"

        await hl7.tell(result(at="20260301130000"))
        assert (await hl7.one("ServiceRequest"))["status"] == "completed"

    async def test_order_not_done(self, hl7: Hl7World) -> None:
        """OBR-25 X: nothing will come of the order any more."""
        new = message("ORM^O01", orc("NW", "O1"), obr("O1", ""))
        await hl7.tell(new, result(obx("NM", "", status="X"), status="X"))

        assert (await hl7.one("ServiceRequest"))["status"] == "revoked"
        assert (await hl7.one("DiagnosticReport"))["status"] == "cancelled"


class TestCancelAfterResult:
    async def test_event(self, hl7: Hl7World) -> None:
        """By ORM or OML: report and order stay, and the cancellation is in the order's history."""
        for kind, control in (("ORM^O01", "CA"), ("OML^O21", "DC")):
            await hl7.tell(result(), message(kind, orc(control, "O1", "F1"), at=LATER))

        order, report = await hl7.one("ServiceRequest"), await hl7.one("DiagnosticReport")
        assert (order["status"], report["status"]) == ("completed", "final")
        events = [
            (await hl7.search(f"Provenance?_id={one['reference'].partition('/')[2]}"))["entry"][0]["resource"]
            for one in order["relevantHistory"]
        ]
        assert [event["activity"]["coding"][0]["code"] for event in events] == ["CA", "DC"]
        assert all(event["target"][0]["reference"] == f"ServiceRequest/{order['id']}" for event in events)
        assert (await hl7.one("Observation"))["status"] == "final"
