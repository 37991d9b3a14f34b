"""
Item 12: demographics are written by ADT alone; a result or an order makes the patient if there is none.

So an old order can never bring an old name back.
"""

from __future__ import annotations

from hl7v2_adt_messages import adt, message, pid, pv1, result
from hl7v2_world import Hl7World


class TestOthers:
    async def test_create_if_absent(self, hl7: Hl7World) -> None:
        """A result of an unknown patient is not lost: the patient is there, with what the message says."""
        await hl7.tell(result("20260301080000"))
        patient = await hl7.one("Patient?identifier=L1")

        assert patient["name"][0]["text"] == "王晓梅"

    async def test_never_rewrite(self, hl7: Hl7World) -> None:
        """A newer result with another name changes no word of the patient."""
        await hl7.tell(adt("A08", "20260301080000", pid(name="王^小梅"), pv1()), result("20260302080000", name="旧^名"))
        patient = await hl7.one("Patient?identifier=L1")

        assert patient["name"][0]["text"] == "王小梅"
        assert patient["meta"]["versionId"] == "1"

    async def test_order(self, hl7: Hl7World) -> None:
        """An order reverts no update either."""
        order = message(
            "ORM^O01", "20260303080000", pid(name="旧^名"), pv1(), "ORC|NW|P1", "OBR|1|P1||GLU^血糖", sender="EMR|H01"
        )
        await hl7.tell(adt("A08", "20260301080000", pid(name="王^小梅"), pv1()), order)

        assert (await hl7.one("Patient?identifier=L1"))["name"][0]["text"] == "王小梅"

    async def test_adt_completes(self, hl7: Hl7World) -> None:
        """What a result made, the next ADT message completes, though it was said earlier."""
        await hl7.tell(result("20260301120000", name="王^"), adt("A01", "20260301080000", pid(), pv1()))
        patient = await hl7.one("Patient?identifier=L1")

        assert patient["birthDate"] == "1985-06-12"
        assert patient["name"][0]["text"] == "王晓梅"

    async def test_visit(self, hl7: Hl7World) -> None:
        """The same for the visit: a result never finishes, moves or opens one."""
        await hl7.tell(adt("A01", "20260301080000", pid(), pv1()))
        await hl7.tell(adt("A03", "20260302080000", pid(), pv1()), result("20260303080000"))
        visit = await hl7.one("Encounter?identifier=V1")

        assert (visit["status"], visit["meta"]["versionId"]) == ("finished", "2")
