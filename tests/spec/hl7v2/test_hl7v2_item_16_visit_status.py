"""
Item 16: the life of a visit: planned, in progress, on leave, finished, cancelled, reopened; its places and its classes.

The scenarios play more of it: pending, tracking, leave_and_return, cancel_discharge, bed_swap, doctors, visit_deleted.
"""

from __future__ import annotations

import pytest
from hl7v2_adt_messages import adt, pid, pv1
from hl7v2_world import Hl7World, Json

TIMES = ("08", "09", "10", "11", "12", "13")


async def told(hl7: Hl7World, *triggers: str, **options: str) -> Json:
    """The visit after these triggers, an hour apart."""
    for hour, trigger in zip(TIMES, triggers, strict=False):
        await hl7.tell(adt(trigger, f"20260301{hour}0000", pid(), pv1(**options)))
    return await hl7.one("Encounter?identifier=V1")


def at(hour: str) -> str:
    return f"2026-03-01T{hour}:00:00+08:00"


class TestStatus:
    @pytest.mark.parametrize(
        ("triggers", "status"),
        [
            (("A05",), "planned"),
            (("A14",), "planned"),
            (("A05", "A10"), "arrived"),
            (("A05", "A01"), "in-progress"),
            (("A01",), "in-progress"),
            (("A04",), "in-progress"),
            (("A01", "A03"), "finished"),
            (("A01", "A11"), "cancelled"),
            (("A05", "A38"), "cancelled"),
            (("A14", "A27"), "cancelled"),
            (("A01", "A38"), "in-progress"),
            (("A01", "A03", "A13"), "in-progress"),
            (("A01", "A21"), "onleave"),
            (("A01", "A21", "A22"), "in-progress"),
            (("A01", "A21", "A52"), "in-progress"),
            (("A01", "A21", "A22", "A53"), "onleave"),
            (("A01", "A03", "A21"), "finished"),
            (("A01", "A03", "A01"), "finished"),
            (("A01", "A03", "A04"), "finished"),
            (("A01", "A03", "A08"), "finished"),
            (("A01", "A11", "A01"), "in-progress"),
            (("A01", "A11", "A13"), "cancelled"),
            (("A01", "A23"), "entered-in-error"),
            (("A01", "A23", "A03"), "entered-in-error"),
            (("A01", "A15", "A26", "A16", "A25"), "in-progress"),
        ],
    )
    async def test_status(self, hl7: Hl7World, triggers: tuple[str, ...], status: str) -> None:
        """The status after each sequence."""
        assert (await told(hl7, *triggers))["status"] == status

    async def test_period(self, hl7: Hl7World) -> None:
        """PV1-44 and PV1-45 are when it began and ended, whenever the message came."""
        await hl7.tell(adt("A01", "20260301090000", pid(), pv1(f44="202603010800")))
        await hl7.tell(adt("A03", "20260302090000", pid(), pv1(f45="202603020830")))

        period = (await hl7.one("Encounter"))["period"]
        assert period == {"start": at("08"), "end": "2026-03-02T08:30:00+08:00"}

    async def test_reopened(self, hl7: Hl7World) -> None:
        """A13 takes the end away, and the place is open again."""
        visit = await told(hl7, "A01", "A03", "A13")

        assert visit["period"] == {"start": at("08")}
        assert visit["location"][-1]["status"] == "active"
        assert [(one["status"], one["period"].get("end")) for one in visit["statusHistory"]] == [
            ("in-progress", at("09")), ("finished", at("10")),
        ]  # fmt: skip


class TestPlaces:
    async def test_transfer(self, hl7: Hl7World) -> None:
        """A02 closes the last place and opens the next; A12 takes that back."""
        await hl7.tell(adt("A01", "20260301080000", pid(), pv1(place="W1")))
        await hl7.tell(adt("A02", "20260301090000", pid(), pv1(place="W2")))
        moved = await hl7.one("Encounter")
        await hl7.tell(adt("A12", "20260301100000", pid(), pv1(place="W1")))
        back = await hl7.one("Encounter")

        assert [(one["status"], one["period"]) for one in moved["location"]] == [
            ("completed", {"start": at("08"), "end": at("09")}), ("active", {"start": at("09")}),
        ]  # fmt: skip
        assert [(one["status"], one["period"]) for one in back["location"]] == [("active", {"start": at("08")})]

    async def test_discharge_closes(self, hl7: Hl7World) -> None:
        """The last place ends with the visit."""
        visit = await told(hl7, "A01", "A03")

        assert [(one["status"], one["period"]) for one in visit["location"]] == [
            ("completed", {"start": at("08"), "end": at("09")})
        ]

    async def test_cancelled_plan(self, hl7: Hl7World) -> None:
        """A plan that never had a time is cancelled like any other."""
        await told(hl7, "A05", "A11")

        assert (await hl7.one("Encounter"))["status"] == "cancelled"


class TestClass:
    async def test_history(self, hl7: Hl7World) -> None:
        """A06 and A07 change the class; each class before stays, with its time."""
        for hour, trigger, kind in (("08", "A04", "O"), ("09", "A06", "I"), ("10", "A07", "O")):
            await hl7.tell(adt(trigger, f"20260301{hour}0000", pid(), pv1(kind=kind)))
        visit = await hl7.one("Encounter")

        assert visit["class"]["code"] == "AMB"
        assert [(one["class"]["code"], one["period"]) for one in visit["classHistory"]] == [
            ("AMB", {"start": at("08"), "end": at("09")}), ("IMP", {"start": at("09"), "end": at("10")}),
        ]  # fmt: skip
