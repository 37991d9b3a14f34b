"""What primary care makes of diagnoses, readings and deaths, against a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from primary_care_world import CLINIC, HOSPITAL, NUMBER, World, hypertension, patient, reading
from pymongo import AsyncMongoClient

from hie.applications.primary_care.follow_up import due_from
from hie.exchange.outbox import Event
from terminology.service import LOINC


@pytest.fixture
async def world(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> AsyncIterator[World]:
    yield await World(mongo, database_prefix).start()


class TestEnrol:
    async def test_diagnosis(self, world: World) -> None:
        """A confirmed diagnosis opens a follow-up, due by the last reading, at the clinic that knows the person."""
        await world.tell(patient("a", home=CLINIC), reading("o", "a", 150, 95, ago=timedelta(days=4)))
        await world.tell(hypertension("c", "a"))
        due = due_from(await world.task())

        assert due.due.isoformat() == "2026-12-04"
        assert (due.facility, due.code, due.systolic) == ("Organization/org-370303-C01", "2", Decimal(150))
        assert due.measured is not None
        assert due.measured.isoformat() == "2026-11-20"

    async def test_no_reading(self, world: World) -> None:
        """Without a reading the first follow-up is due at once."""
        await world.tell(patient("a", home=CLINIC), hypertension("c", "a"))

        assert due_from(await world.task()).due.isoformat() == "2026-11-24"

    async def test_repeated(self, world: World) -> None:
        """The same event again, and a second hospital's diagnosis, change nothing."""
        await world.tell(patient("a", home=CLINIC, number=NUMBER), patient("b", home=HOSPITAL, number=NUMBER))
        await world.tell(hypertension("c", "a"))
        await world.tell(hypertension("c", "a"), hypertension("d", "b"))

        assert len(await world.tasks()) == 1

    async def test_home(self, world: World) -> None:
        """A hospital's diagnosis is followed up by the person's own clinic."""
        await world.tell(patient("a", home=CLINIC, number=NUMBER), patient("b", home=HOSPITAL, number=NUMBER))
        await world.tell(hypertension("d", "b"))

        assert due_from(await world.task()).facility == "Organization/org-370303-C01"

    @pytest.mark.parametrize("clinical", ["resolved", "inactive", "remission"])
    async def test_over(self, world: World, clinical: str) -> None:
        """What is over enrols nobody."""
        await world.tell(patient("a"), hypertension("c", "a", clinical=clinical))

        assert not await world.tasks()

    async def test_gone(self, world: World) -> None:
        """An event about something that is no longer there is taken, and does nothing."""
        (_, _, handler), *_ = world.consumers
        await handler(Event("e", "Condition", "nowhere", 1, "create", (), world.clock()))

        assert not await world.tasks()


class TestTakeIn:
    async def test_danger(self, world: World) -> None:
        """A dangerous reading brings the visit forward to two weeks, and asks for a referral."""
        await world.tell(patient("a"), reading("o", "a", 130, 80, ago=timedelta(days=30)), hypertension("c", "a"))
        await world.tell(reading("p", "a", 186, 112))
        task = await world.task()
        due = due_from(task)

        assert (due.due.isoformat(), due.reasons, task["priority"]) == ("2026-12-08", ("danger",), "urgent")

    async def test_newest(self, world: World) -> None:
        """An older reading that comes late does not hide a newer one."""
        await world.tell(patient("a"), reading("o", "a", 130, 80), hypertension("c", "a"))
        await world.tell(reading("p", "a", 170, 100, ago=timedelta(days=9)))

        assert due_from(await world.task()).systolic == 130

    async def test_corrected(self, world: World) -> None:
        """A reading that its sender corrects is shown as corrected."""
        await world.tell(patient("a"), reading("o", "a", 130, 80), hypertension("c", "a"))
        await world.tell(reading("o", "a", 150, 95))

        assert due_from(await world.task()).systolic == 150

    async def test_halves(self, world: World) -> None:
        """A pressure sent as two observations of one moment counts like a panel."""
        await world.tell(patient("a"), hypertension("c", "a"))
        whole = reading("s", "a", 152, 96)
        upper, lower = (
            {**whole, "id": name, "code": part["code"], "valueQuantity": part["valueQuantity"]}
            for name, part in zip("sd", whole["component"], strict=True)
        )
        for half in (upper, lower):
            del half["component"]
            assert half["code"]["coding"][0]["system"] == LOINC
            await world.tell(half)

        assert due_from(await world.task()).diastolic == 96

    async def test_repeated(self, world: World) -> None:
        """The same reading again leaves the Task at its version."""
        await world.tell(patient("a"), hypertension("c", "a"), reading("o", "a", 150, 95))
        before = await world.task()
        await world.tell(reading("o", "a", 150, 95))

        assert (await world.task())["meta"] == before["meta"]


class TestEnd:
    async def test_death(self, world: World) -> None:
        """Who died is not called in."""
        await world.tell(patient("a"), hypertension("c", "a"))
        await world.tell({**patient("a"), "deceasedDateTime": "2026-11-23"})
        (task,) = await world.tasks()

        assert (task["status"], task["statusReason"]["coding"][0]["code"]) == ("cancelled", "deceased")

    async def test_taken_back(self, world: World) -> None:
        """A diagnosis that was taken back ends the follow-up; made again, it opens another one."""
        await world.tell(patient("a"), hypertension("c", "a"))
        await world.tell(hypertension("c", "a", clinical="resolved"))
        assert [task["status"] for task in await world.tasks()] == ["cancelled"]

        await world.tell(hypertension("c", "a"))
        assert sorted(task["status"] for task in await world.tasks()) == ["cancelled", "requested"]

    async def test_another_says_so(self, world: World) -> None:
        """One source's end is not the end while another still makes the diagnosis."""
        await world.tell(patient("a"), hypertension("c", "a"), hypertension("d", "a"))
        await world.tell(hypertension("c", "a", clinical="resolved"))

        assert (await world.task())["status"] == "requested"
