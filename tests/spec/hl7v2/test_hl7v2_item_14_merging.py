"""
Item 14: merges, links, moves, changed numbers: what each means, in chains, before creation, and when messages are late.

The record merged away is inactive and says by whom it was replaced; clinical data stay with the record that they were
said of, and a reader finds them by person. The scenarios play the rest: merge_chain, merge_before_create,
update_after_merge, unlink, visit_moved, account_moved, account_merge, patient_number_changed, visit_number_changed.
"""

from __future__ import annotations

import pytest
from hl7v2_adt_messages import adt, pid, pv1, result
from hl7v2_world import Hl7World

MERGE = adt("A40", "20260302080000", pid("L2"), "MRG|L1^^^H01^MR")


async def merged(hl7: Hl7World) -> None:
    """L1 with a visit and a result, then merged into L2."""
    await hl7.tell(adt("A01", "20260301080000", pid("L1"), pv1()), adt("A28", "20260301080000", pid("L2")))
    await hl7.tell(result("20260301120000"))
    await hl7.tell(MERGE)


class TestMerge:
    @pytest.mark.parametrize("trigger", ["A18", "A30", "A34", "A36", "A39", "A40"])
    async def test_links(self, hl7: Hl7World, trigger: str) -> None:
        """Every trigger that merges: inactive, replaced-by, replaces, one person."""
        await hl7.tell(adt("A28", "20260301080000", pid("L1")), adt("A28", "20260301080000", pid("L2")))
        await hl7.tell(adt(trigger, "20260302080000", pid("L2"), "MRG|L1^^^H01^MR"))
        old, new = await hl7.one("Patient?identifier=L1"), await hl7.one("Patient?identifier=L2")

        assert (old["active"], new["active"]) == (False, True)
        assert old["link"] == [{"other": {"reference": f"Patient/{new['id']}"}, "type": "replaced-by"}]
        assert new["link"] == [{"other": {"reference": f"Patient/{old['id']}"}, "type": "replaces"}]
        assert [one["active"] for one in await hl7.find("Person")].count(True) == 1

    async def test_found_by_person(self, hl7: Hl7World) -> None:
        """Visits and results of the old record are untouched, and in the record of the survivor's person."""
        await merged(hl7)
        old, new = await hl7.one("Patient?identifier=L1"), await hl7.one("Patient?identifier=L2")
        observation = await hl7.one("Observation")
        person = await hl7.services.registry.person_of(new["id"])
        assert person is not None

        assert observation["subject"]["reference"] == f"Patient/{old['id']}"
        assert set(await hl7.services.registry.expand(person)) == {old["id"], new["id"]}
        record = [row.reference async for row in hl7.services.store.everything(
            await hl7.services.registry.expand(person))]  # fmt: skip
        assert f"Observation/{observation['id']}" in record

    async def test_result_after_merge(self, hl7: Hl7World) -> None:
        """A result that still names the old number is filed, and revives nobody."""
        await merged(hl7)
        await hl7.tell(result("20260303080000", order="F2"))

        assert len(await hl7.find("Observation")) == 2
        assert (await hl7.one("Patient?identifier=L1"))["active"] is False

    async def test_replay(self, hl7: Hl7World) -> None:
        """All messages once more from the journal: no resource has a new version."""
        await merged(hl7)
        before = {one["id"]: one["meta"]["versionId"] for kind in ("Patient", "Person", "Encounter")
                  for one in await hl7.find(kind)}  # fmt: skip
        await hl7.services.journal.release({}, by="test")
        await hl7.drain()
        after = {one["id"]: one["meta"]["versionId"] for kind in ("Patient", "Person", "Encounter")
                 for one in await hl7.find(kind)}  # fmt: skip

        assert await hl7.dead() == []
        assert after == before

    async def test_chain_in_one_person(self, hl7: Hl7World) -> None:
        """Four records merged one into the next: one person has all four."""
        for number in ("L1", "L2", "L3", "L4"):
            await hl7.tell(adt("A28", "20260301080000", pid(number, name=f"王^{number}", birth=f"198{number[1]}0101")))
        for day, (old, new) in enumerate((("L1", "L2"), ("L2", "L3"), ("L3", "L4")), start=2):
            name, birth = f"王^{new}", f"198{new[1]}0101"
            await hl7.tell(adt("A40", f"2026030{day}080000", pid(new, name, birth), f"MRG|{old}^^^H01^MR"))
        persons = [one for one in await hl7.find("Person") if one["active"]]

        assert [len(one["link"]) for one in persons] == [4]


class TestMoves:
    async def test_replayed_move(self, hl7: Hl7World) -> None:
        """A43 told once more by a replay takes nothing along that came to the old record since."""
        await hl7.tell(adt("A28", "20260301080000", pid("L1")),
                       adt("A28", "20260301080000", pid("L2", "李^建国", "19700101", "M")))  # fmt: skip
        await hl7.tell(result("20260301120000", visit=""))
        await hl7.tell(adt("A43", "20260302080000", pid("L2", "李^建国", "19700101", "M"), "MRG|L1^^^H01^MR"))
        await hl7.tell(result("20260303120000", visit="", order="F2"))
        await hl7.services.journal.release({"type": "ADT^A43"}, by="test")
        await hl7.drain()

        assert len(await hl7.find("Observation?subject:Patient.identifier=L1")) == 1
        assert len(await hl7.find("Observation?subject:Patient.identifier=L2")) == 1

    async def test_nothing_named(self, hl7: Hl7World) -> None:
        """A message that names nothing to move, merge or rename is kept, and says so."""
        await hl7.tell(adt("A44", "20260302080000", pid("L2"), "MRG|L1^^^H01^MR"))
        await hl7.tell(adt("A42", "20260302090000", pid("L2"), "MRG|L1^^^H01^MR", pv1()))
        await hl7.tell(adt("A24", "20260302100000", pid("L2")))

        remarks = await hl7.remarks()
        assert "MRG names nothing that could be moved" in remarks
        assert "MRG names no number that was given up for another" in remarks
        assert "the message names no two patients" in remarks
        assert await hl7.find("Encounter") == []
