"""
Item 17: late and out of order: the newer fact stands, by EVN-2 or MSH-7; a late admission reopens nothing.

Where IHE's ZBE names the movement, it is told, mended or taken back by its id (ITI-31).
"""

from __future__ import annotations

from itertools import permutations

import pytest
from hl7v2_adt_messages import adt, pid, pv1, zbe
from hl7v2_world import Hl7World, Json

STAY = (
    adt("A01", "20260301080000", pid(name="甲^"), pv1(place="W1", f44="20260301080000")),
    adt("A02", "20260301120000", pid(name="乙^"), pv1(place="W2")),
    adt("A08", "20260301140000", pid(name="丙^"), pv1(place="W2", f7="D2^李")),
    adt("A03", "20260302080000", pid(name="丁^"), pv1(place="W2", f45="20260302080000")),
)


def starts(visit: Json) -> list[tuple[str, str]]:
    """Places with their beginning."""
    return [(one["location"]["display"], one.get("period", {}).get("start", "")[11:16]) for one in visit["location"]]


class TestOrder:
    @pytest.mark.parametrize("order", list(permutations(range(4)))[::3], ids=str)
    async def test_any_order(self, hl7: Hl7World, order: tuple[int, ...]) -> None:
        """Four messages in any order end in the same visit and the same patient."""
        for at in order:
            await hl7.tell(STAY[at])
        visit = await hl7.one("Encounter?identifier=V1")

        assert visit["status"] == "finished"
        assert visit["period"] == {"start": "2026-03-01T08:00:00+08:00", "end": "2026-03-02T08:00:00+08:00"}
        assert [one["individual"]["display"] for one in visit["participant"]] == ["李"]
        assert (await hl7.one("Patient"))["name"][0]["text"] == "丁"
        assert ("W2", "12:00") in starts(visit)

    async def test_event_before_message(self, hl7: Hl7World) -> None:
        """EVN-2 says when it was recorded, MSH-7 only when it was sent: an old event sent anew is old."""
        late = adt("A08", "20260305080000", pid(name="旧^名"), pv1()).replace(
            "EVN|A08|20260305080000", "EVN|A08|20260301"
        )
        await hl7.tell(adt("A08", "20260302080000", pid(), pv1()), late)

        assert (await hl7.one("Patient"))["name"][0]["text"] == "王晓梅"

    async def test_event_time(self, hl7: Hl7World) -> None:
        """EVN-6 is when it took place."""
        moved = adt("A02", "20260301140000", pid(), pv1(place="W2")).replace(
            "EVN|A02|20260301140000", "EVN|A02|20260301140000||||20260301130000"
        )
        await hl7.tell(adt("A01", "20260301080000", pid(), pv1(place="W1")), moved)

        assert starts(await hl7.one("Encounter")) == [("W1", "08:00"), ("W2", "13:00")]


class TestMovements:
    async def stay(self, hl7: Hl7World) -> None:
        """Admitted, and moved twice, each movement with its id."""
        for hour, trigger, ward in (("08", "A01", "W1"), ("10", "A02", "W2"), ("12", "A02", "W3")):
            at = f"20260301{hour}0000"
            await hl7.tell(adt(trigger, at, pid(), pv1(place=ward), zbe(f"M{hour}", at, "INSERT")))

    async def test_insert_again(self, hl7: Hl7World) -> None:
        """The same movement told twice is one."""
        await self.stay(hl7)
        await hl7.tell(adt("A02", "20260301123000", pid(), pv1(place="W3"), zbe("M12", "20260301120000", "INSERT")))

        assert starts(await hl7.one("Encounter")) == [("W1", "08:00"), ("W2", "10:00"), ("W3", "12:00")]

    async def test_late_insert(self, hl7: Hl7World) -> None:
        """A historic movement finds its place and moves nobody now."""
        await self.stay(hl7)
        told = zbe("M11", "20260301110000", "INSERT", historic="Y")
        await hl7.tell(adt("A02", "20260301150000", pid(), pv1(place="ICU", f7="D9^旧"), told))
        visit = await hl7.one("Encounter")

        assert starts(visit) == [("W1", "08:00"), ("W2", "10:00"), ("ICU", "11:00"), ("W3", "12:00")]
        assert [one["status"] for one in visit["location"]] == ["completed"] * 3 + ["active"]

    async def test_update(self, hl7: Hl7World) -> None:
        """Z99 with UPDATE mends the movement's place and time, wherever it stands."""
        await self.stay(hl7)
        told = zbe("M10", "20260301093000", "UPDATE", historic="Y", original="A02")
        await hl7.tell(adt("Z99", "20260301150000", pid(), pv1(place="W9"), told))

        assert starts(await hl7.one("Encounter")) == [("W1", "08:00"), ("W9", "09:30"), ("W3", "12:00")]

    async def test_cancel_last(self, hl7: Hl7World) -> None:
        """A12 with CANCEL takes back the movement that it names; the patient is where he was."""
        await self.stay(hl7)
        await hl7.tell(adt("A12", "20260301150000", pid(), pv1(place="W2"), zbe("M12", "20260301120000", "CANCEL")))
        visit = await hl7.one("Encounter")

        assert starts(visit) == [("W1", "08:00"), ("W2", "10:00")]
        assert visit["location"][-1]["status"] == "active"

    async def test_cancel_earlier(self, hl7: Hl7World) -> None:
        """Z99 with CANCEL takes back one in the middle; the one before it lasts until the next."""
        await self.stay(hl7)
        told = zbe("M10", "20260301100000", "CANCEL", historic="Y", original="A02")
        await hl7.tell(adt("Z99", "20260301150000", pid(), pv1(place="W3"), told))
        visit = await hl7.one("Encounter")

        assert starts(visit) == [("W1", "08:00"), ("W3", "12:00")]
        assert visit["location"][0]["period"]["end"] == "2026-03-01T12:00:00+08:00"

    async def test_discharge_mended_and_cancelled(self, hl7: Hl7World) -> None:
        """The time of a discharge is mended by UPDATE, the discharge taken back by CANCEL."""
        await self.stay(hl7)
        at = "20260302080000"
        await hl7.tell(adt("A03", at, pid(), pv1(place="W3"), zbe("M20", at, "INSERT")))
        told = zbe("M20", "20260302093000", "UPDATE", original="A03")
        await hl7.tell(adt("Z99", "20260302100000", pid(), pv1(place="W3"), told))
        mended = await hl7.one("Encounter")
        told = zbe("M20", "20260302093000", "CANCEL", original="A03")
        await hl7.tell(adt("Z99", "20260302110000", pid(), pv1(place="W3"), told))
        reopened = await hl7.one("Encounter")

        assert mended["period"]["end"] == "2026-03-02T09:30:00+08:00"
        assert (reopened["status"], "end" in reopened["period"]) == ("in-progress", False)
