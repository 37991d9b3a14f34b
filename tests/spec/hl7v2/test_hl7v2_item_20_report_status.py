"""
Item 20: OBR-25 is the status of the report; a lower one never overwrites a higher one, OBR-22 decides between equals.

Preliminary, final and corrected are versions of one report, never copies of it.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hl7v2_world import Hl7World
from order_messages import message, obr, obx, result

STATUSES = {
    "O": "registered", "I": "registered", "S": "registered", "A": "partial", "P": "preliminary", "R": "preliminary",
    "M": "preliminary", "F": "final", "C": "corrected", "X": "cancelled",
}  # fmt: skip


class TestStatus:
    async def test_every_code(self, hl7: Hl7World) -> None:
        """Each code of OBR-25 has its status."""
        for code in STATUSES:
            await hl7.send(result(obx("NM", "5", status=""), status=code, filler=f"F{code}", placer=f"O{code}"))
        await hl7.drain()

        found = {code: (await hl7.one(f"DiagnosticReport?identifier=F{code}"))["status"] for code in STATUSES}
        assert found == STATUSES

    async def test_unknown_code(self, hl7: Hl7World) -> None:
        """A code that no table has is unknown, and counted."""
        await hl7.tell(result(status="QQ"))

        assert (await hl7.one("DiagnosticReport"))["status"] == "unknown"
        assert {(one["location"], one["code"]) for one in await hl7.unmapped()} >= {("OBR-25", "QQ")}

    async def test_silent(self, hl7: Hl7World) -> None:
        """Without OBR-25 the results tell how far it is."""
        await hl7.tell(result(obx("NM", "5", status="P"), status=""))

        assert (await hl7.one("DiagnosticReport"))["status"] == "preliminary"


class TestVersions:
    async def test_one_report(self, hl7: Hl7World) -> None:
        """P, F and C are three versions of one report and of its results."""
        for hour, status in (("10", "P"), ("11", "F"), ("12", "C")):
            value = obx("NM", f"5.{hour}", status=status)
            await hl7.tell(result(value, status=status, at=f"20260301{hour}0000"))

        report, observation = await hl7.one("DiagnosticReport"), await hl7.one("Observation")
        assert (report["status"], report["meta"]["versionId"]) == ("corrected", "3")
        assert observation["valueQuantity"]["value"] == Decimal("5.12")
        assert report["result"] == [{"reference": f"Observation/{observation['id']}"}]
        history = await hl7.search(f"DiagnosticReport/{report['id']}/_history")
        assert [e["resource"]["status"] for e in history["entry"]] == ["corrected", "final", "preliminary"]

    @pytest.mark.parametrize(
        ("first", "then"), [("F", "P"), ("F", "A"), ("C", "F"), ("C", "P"), ("P", "I"), ("F", "X")]
    )
    async def test_never_back(self, hl7: Hl7World, first: str, then: str) -> None:
        """A lower status that comes later, even with a later OBR-22, changes neither report nor results."""
        await hl7.tell(result(obx("NM", "5.1", status=first), status=first))
        # As OBX-11, A is amended: of a partial report the results are preliminary.
        await hl7.tell(result(obx("NM", "9.9", status=then.replace("A", "P")), status=then, at="20260302120000"))

        assert (await hl7.one("DiagnosticReport"))["status"] == STATUSES[first]
        assert (await hl7.one("Observation"))["valueQuantity"]["value"] == Decimal("5.1")

    @pytest.mark.parametrize("turned", [False, True])
    async def test_tie(self, hl7: Hl7World, turned: bool) -> None:
        """Of two finals that with the later OBR-22 stands, whichever came first and whatever MSH-7 says."""
        early = message("ORU^R01", obr(status="F", reported="20260301120000"), obx("NM", "5.1"), at="20260305000000")
        late = message("ORU^R01", obr(status="F", reported="20260301130000"), obx("NM", "5.2"), at="20260304000000")
        await hl7.tell(*([late, early] if turned else [early, late]))

        assert (await hl7.one("Observation"))["valueQuantity"]["value"] == Decimal("5.2")
        assert (await hl7.one("DiagnosticReport"))["issued"] == "2026-03-01T13:00:00+08:00"

    async def test_replay(self, hl7: Hl7World) -> None:
        """The same again writes no version."""
        await hl7.tell(result(status="P"), result(at="20260301130000"))
        await hl7.services.journal.release({}, by="test")
        await hl7.drain()

        assert (await hl7.one("DiagnosticReport"))["meta"]["versionId"] == "2"
