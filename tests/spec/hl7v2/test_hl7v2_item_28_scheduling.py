"""
Item 28, SIU: S12 to S17 and S26 are one Appointment, known by SCH-1 and SCH-2; S13 moves it, S15 cancels it, S17
deletes it, S26 says that nobody came; AIS, AIP, AIL and AIG are what is booked, and the action codes of RGS-2 and
AIx-2 add, update and remove; S18 to S22 speak of single resources; S23 and S24 block and open time.
"""

from __future__ import annotations

from typing import Any

import pytest
from hl7v2_world import Hl7World

PATIENT = "PID|1||L1^^^H01^MR||王^晓梅||19850612|F"
BOOKED = (
    "RGS|1", "AIS|1||ENDO^肠镜检查", "AIG|1||E1^肠镜主机|EQ^设备", "AIL|1||R1^^^H01", "AIP|1||D1^张^医生|AT^主治",
)  # fmt: skip


def siu(
    trigger: str, control: str, at: str, *lines: str, start: str = "202603050900", reason: str = "", state: str = "",
    patient: str = PATIENT,
) -> str:  # fmt: skip
    """A scheduling message; `start` goes to SCH-11, `state` to SCH-25."""
    sch = f"SCH|A1^SCH|B1^SCH||||{reason}|FOLLOWUP^复诊||30|min|^^^{start}||||||||||||||{state}"
    header = f"MSH|^~\\&|SCH|H01|HIE|ZB|20260301{at}||SIU^{trigger}^SIU_S12|{control}|P|2.5.1|||||CHN|UNICODE UTF-8"
    return "\n".join([header, sch, *([patient] if patient else []), *lines])


def actors(appointment: dict[str, Any]) -> set[str]:
    """The names of those who take part, but the patient."""
    return {one["actor"]["display"] for one in appointment["participant"] if "display" in one["actor"]}


ALL = {"肠镜主机", "R1", "张医生"}


class TestLife:
    async def test_one_appointment(self, hl7: Hl7World) -> None:
        """Booked, changed, moved, cancelled: one resource, known by either number."""
        await hl7.tell(
            siu("S12", "1", "0900", *BOOKED), siu("S14", "2", "0910", *BOOKED),
            siu("S13", "3", "0920", *BOOKED, start="202603061000"),
            siu("S15", "4", "0930", reason="^患者取消", start=""),
        )  # fmt: skip
        found = await hl7.one("Appointment?identifier=A1")

        assert found == await hl7.one("Appointment?identifier=B1")
        assert (found["status"], found["cancelationReason"]["text"]) == ("cancelled", "患者取消")
        assert found["start"].startswith("2026-03-06T10:00:00")
        assert actors(found) == ALL

    @pytest.mark.parametrize(
        ("trigger", "status"),
        [
            ("S13", "booked"), ("S14", "booked"), ("S15", "cancelled"), ("S16", "cancelled"),
            ("S17", "entered-in-error"), ("S26", "noshow"),
        ],
    )  # fmt: skip
    async def test_status(self, hl7: Hl7World, trigger: str, status: str) -> None:
        """Each trigger says where the appointment stands."""
        await hl7.tell(siu("S12", "1", "0900", *BOOKED), siu(trigger, "2", "1000"))

        assert (await hl7.one("Appointment"))["status"] == status

    async def test_filler_status(self, hl7: Hl7World) -> None:
        """SCH-25 says how far a booking has come; a later change of a room does not set it back."""
        await hl7.tell(
            siu("S14", "1", "0900", *BOOKED, state="Arrived"), siu("S14", "2", "0910", "RGS|1", "AIL|1||R2^^^H01")
        )
        found = await hl7.one("Appointment")

        assert found["status"] == "arrived"
        assert actors(found) == ALL - {"R1"} | {"R2"}

    async def test_out_of_order(self, hl7: Hl7World) -> None:
        """The booking received after its cancellation revives nothing; the older of two moves moves nothing."""
        await hl7.tell(
            siu("S15", "3", "0930"), siu("S12", "1", "0900", *BOOKED), siu("S13", "2", "0910", start="202603061000")
        )

        assert (await hl7.one("Appointment"))["status"] == "cancelled"

    async def test_without_number(self, hl7: Hl7World) -> None:
        """Without a number nobody knows which appointment is meant: the message is kept."""
        await hl7.tell(siu("S12", "1", "0900").replace("A1^SCH|B1^SCH", "|"))

        assert not await hl7.find("Appointment")
        assert (await hl7.drain())["kept"] == 1

    async def test_group(self, hl7: Hl7World) -> None:
        """An appointment of two patients is one in each record: neither learns who the other is."""
        other = "PID|2||L2^^^H01^MR||李^德厚||19480915|M"
        await hl7.tell(siu("S12", "1", "0900", other, *BOOKED))
        found = await hl7.find("Appointment")

        assert len(found) == 2
        assert {sum("Patient/" in one["actor"].get("reference", "") for one in a["participant"]) for a in found} == {1}


class TestActionCodes:
    async def test_resources(self, hl7: Hl7World) -> None:
        """A adds, U puts another in the place, D removes; what is not named stays."""
        await hl7.tell(
            siu("S12", "1", "0900", *BOOKED),
            siu("S14", "2", "1000", "RGS|1", "AIG|1|D|E1^肠镜主机", "AIL|1|U|R2^^^H01", "AIP|2|A|D2^李^医生"),
        )
        found = await hl7.one("Appointment")

        assert actors(found) == {"R2", "张医生", "李医生"}
        assert [one["text"] for one in found["serviceType"]] == ["肠镜检查"]

    async def test_whole_list(self, hl7: Hl7World) -> None:
        """Without action codes the segments of a kind are the list of that kind; a kind without segments stays."""
        await hl7.tell(siu("S12", "1", "0900", *BOOKED), siu("S14", "2", "1000", "RGS|1", "AIP|1||D9^钱^医生"))

        assert actors(await hl7.one("Appointment")) == ALL - {"张医生"} | {"钱医生"}

    async def test_group_removed(self, hl7: Hl7World) -> None:
        """RGS-2 D removes everything of its group."""
        await hl7.tell(
            siu("S12", "1", "0900", *BOOKED, "RGS|2", "AIP|1||N1^陈^护士"), siu("S14", "2", "1000", "RGS|1|D")
        )
        found = await hl7.one("Appointment")

        assert actors(found) == {"陈护士"}
        assert "serviceType" not in found

    async def test_group_action(self, hl7: Hl7World) -> None:
        """RGS-2 holds for the segments of its group that have no code of their own."""
        await hl7.tell(siu("S12", "1", "0900", *BOOKED), siu("S14", "2", "1000", "RGS|2|A", "AIP|1||N1^陈^护士"))

        assert actors(await hl7.one("Appointment")) == ALL | {"陈护士"}

    async def test_replay(self, hl7: Hl7World) -> None:
        """Changes that are processed again change nothing."""
        await hl7.tell(
            siu("S12", "1", "0900", *BOOKED),
            siu("S14", "2", "1000", "RGS|1", "AIP|2|A|D2^李^医生", "AIG|1|D|E1^肠镜主机"),
        )
        before = await hl7.one("Appointment")
        await hl7.services.journal.release({}, by="test")
        await hl7.drain()

        assert await hl7.one("Appointment") == before

    @pytest.mark.parametrize(
        ("trigger", "line", "expected"),
        [
            ("S18", "AIP|2||D2^李^医生", ALL | {"李医生"}),
            ("S19", "AIL|1||R2^^^H01", ALL - {"R1"} | {"R2"}),
            ("S20", "AIG|1||E1^肠镜主机", ALL - {"肠镜主机"}),
            ("S21", "AIG|1||E1^肠镜主机", ALL - {"肠镜主机"}),
            ("S22", "AIP|1||D1^张^医生", ALL - {"张医生"}),
        ],
    )
    async def test_single_resources(self, hl7: Hl7World, trigger: str, line: str, expected: set[str]) -> None:
        """S18 adds, S19 changes, S20, S21 and S22 take away what they list; the appointment itself stands."""
        await hl7.tell(siu("S12", "1", "0900", *BOOKED), siu(trigger, "2", "1000", "RGS|1", line, start="202603081500"))
        found = await hl7.one("Appointment")

        assert actors(found) == expected
        assert (found["status"], found["start"][:16]) == ("booked", "2026-03-05T09:00")

    async def test_participant(self, hl7: Hl7World) -> None:
        """A resource has its role, its own time and its own status."""
        lines = ("RGS|1", "AIP|1||D1^张^医生|AT^主治||202603050910|||10|min||PENDING^待定")
        await hl7.tell(siu("S12", "1", "0900", *lines))
        doctor = (await hl7.one("Appointment"))["participant"][1]

        assert (doctor["type"][0]["text"], doctor["status"]) == ("主治", "needs-action")
        assert doctor["period"] == {"start": "2026-03-05T09:10:00+08:00", "end": "2026-03-05T09:20:00+08:00"}


class TestTime:
    """S23 and S24."""

    async def test_blocked_and_opened(self, hl7: Hl7World) -> None:
        """The time of a doctor and of a room is blocked, each in its own schedule; opened, the same time is free."""
        lines = ("RGS|1", "AIP|1||D1^张^医生", "AIL|1||R1^^^H01")
        await hl7.tell(siu("S23", "1", "0900", *lines, patient="", reason="^停诊"))
        blocked = await hl7.find("Slot?status=busy-unavailable")

        assert [one["start"] for one in blocked] == ["2026-03-05T09:00:00+08:00"] * 2
        assert len({one["schedule"]["reference"] for one in blocked}) == 2
        assert len(await hl7.find("Schedule?actor.identifier=D1")) == 1

        await hl7.tell(siu("S24", "2", "1000", *lines, patient=""))
        assert {one["id"] for one in await hl7.find("Slot?status=free")} == {one["id"] for one in blocked}

    async def test_late_block(self, hl7: Hl7World) -> None:
        """A block that was said before the opening, and comes after it, blocks nothing."""
        lines = ("RGS|1", "AIP|1||D1^张^医生")
        await hl7.tell(siu("S24", "2", "1000", *lines, patient=""), siu("S23", "1", "0900", *lines, patient=""))

        assert (await hl7.one("Slot"))["status"] == "free"

    async def test_without_time(self, hl7: Hl7World) -> None:
        """Nobody's time is blocked for nobody knows how long: the message is kept."""
        await hl7.tell(siu("S23", "1", "0900", "RGS|1", "AIP|1||D1^张^医生", start="", patient=""))

        assert not await hl7.find("Slot")
        assert (await hl7.drain())["kept"] == 1
