"""Recording a follow-up, against a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from primary_care_world import AUTHOR, CLINIC, NOW, World, form, hypertension, patient, reading
from pymongo import AsyncMongoClient

from hie.applications.primary_care import queries, use_cases, visit
from hie.applications.primary_care.follow_up import due_from
from hie.applications.primary_care.form import Form, Medicine
from hie.applications.primary_care.rules import Assessment
from hie.applications.rule_data import rule_book
from hie.errors import Unprocessable
from records.errors import Conflict
from records.validation import check

RULES = rule_book("primary_care", "hypertension").at(NOW.date())


@pytest.fixture
async def world(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> AsyncIterator[World]:
    one = await World(mongo, database_prefix).start()
    await one.tell(patient("a", home=CLINIC), hypertension("c", "a"))
    yield one


async def record(world: World, filled: Form, *, version: int | None = None) -> Assessment:
    task = await world.task()
    seen = version or int(task["meta"]["versionId"])
    return await use_cases.record(world.work, world.reader, task["id"], filled, version=seen, author=AUTHOR)


class TestRecord:
    async def test_controlled(self, world: World) -> None:
        """A visit finishes its Task, leaves its record, and opens the next one in three months."""
        medicines = (Medicine("氨氯地平", "1", "5 mg"),)
        found = await record(world, form(132, 84, symptoms=("headache",), medicines=medicines))
        done = [task for task in await world.tasks() if task["status"] == "completed"]
        (response,) = await world.reader.all("QuestionnaireResponse")
        kept = visit.record_from(response)

        assert (found.code, found.next_visit.isoformat()) == ("1", "2027-02-24")
        assert due_from(await world.task()).due == found.next_visit
        assert [task["executionPeriod"]["end"] for task in done] == ["2026-11-24"]
        assert (kept.code, kept.author, kept.rules) == ("1", "张医生", "2026.1")
        assert (kept.symptoms, kept.medicines) == (("headache",), medicines)
        assert await world.reader.count("Encounter", ("patient", "Patient/a")) == 1

    async def test_valid(self, world: World) -> None:
        """All that a visit leaves behind is valid FHIR."""
        await record(world, form(190, 120, complication=True, symptoms=("chest-pain",)))
        for kind in ("Task", "Encounter", "Observation", "QuestionnaireResponse", "ServiceRequest"):
            found = await world.reader.all(kind)
            assert found
            for resource in found:
                check(resource)

    async def test_twice_uncontrolled(self, world: World) -> None:
        """The second uncontrolled visit proposes a referral; the first does not."""
        first = await record(world, form(152, 96, day=NOW - timedelta(days=14)))
        assert (first.refer, await world.reader.count("ServiceRequest")) == (False, 0)

        second = await record(world, form(154, 96))
        (proposal,) = await world.reader.all("ServiceRequest")

        assert second.reasons == ("repeated",)
        assert (proposal["intent"], proposal["category"][0]["coding"][0]["code"]) == ("proposal", "referral")
        assert due_from(await world.task()).reasons == ("repeated",)

    async def test_reading_keeps_reasons(self, world: World) -> None:
        """A later good reading does not take the advice to refer back; only the next visit does."""
        await record(world, form(120, 80, complication=True, day=NOW - timedelta(days=3)))
        await world.tell(reading("p", "a", 128, 80))
        due = due_from(await world.task())

        assert (due.code, due.reasons, due.systolic) == ("4", ("complication",), 128)

    async def test_changed_meanwhile(self, world: World) -> None:
        """Who saw an older state of the Task writes nothing."""
        seen = int((await world.task())["meta"]["versionId"])
        await world.tell(reading("p", "a", 186, 112))
        with pytest.raises(Conflict):
            await record(world, form(130, 80), version=seen)

        assert await world.reader.count("QuestionnaireResponse") == 0

    async def test_twice(self, world: World) -> None:
        """A visit is recorded once."""
        task = await world.task()
        seen = int(task["meta"]["versionId"])
        await use_cases.record(world.work, world.reader, task["id"], form(130, 80), version=seen, author=AUTHOR)
        with pytest.raises(Unprocessable):
            await use_cases.record(world.work, world.reader, task["id"], form(130, 80), version=seen, author=AUTHOR)

        assert await world.reader.count("QuestionnaireResponse") == 1

    async def test_own_reading(self, world: World) -> None:
        """The visit's own reading, heard through the outbox, does not move the next follow-up."""
        await record(world, form(150, 95))
        before = await world.task()
        await world.deliver()

        assert (await world.task())["meta"] == before["meta"]


class TestQueries:
    async def test_filters(self, world: World) -> None:
        """Each filter holds its own, and the counts say how many."""
        for name, pressure in (("b", (186, 112)), ("d", (150, 95)), ("e", (120, 80))):
            days = {"b": 2, "d": 20, "e": 2}[name]
            read = reading(f"o{name}", name, *pressure, ago=timedelta(days=days))
            await world.tell(patient(name, home=CLINIC), read)
            await world.tell(hypertension(f"c{name}", name))
        today = NOW.date()
        shown = {
            name: [
                line.due.patient
                for line in (await queries.worklist(world.reader, frozenset(), name, today, RULES)).lines
            ]
            for name in queries.FILTERS
        }

        assert shown["overdue"] == ["d"]
        assert shown["week"] == ["a"]
        assert sorted(shown["uncontrolled"]) == ["b", "d"]
        assert shown["refer"] == ["b"]
        assert shown["all"] == ["d", "a", "b", "e"]
        assert await queries.counts(world.reader, frozenset(), today, RULES) == {
            name: len(found) for name, found in shown.items()
        }

    async def test_owner(self, world: World) -> None:
        """Another institution's list is empty."""
        listed = await queries.worklist(
            world.reader, frozenset({"Organization/org-370303-H01"}), "all", NOW.date(), RULES
        )

        assert (listed.total, listed.lines, listed.counts["all"]) == (0, [], 0)

    async def test_history(self, world: World) -> None:
        """A person's visits and readings, newest first, whatever is due, and whether management ended."""
        await record(world, form(150, 95, day=NOW - timedelta(days=14)))
        await record(world, form(134, 82))
        found = await queries.history(world.reader, ("a",), RULES)

        assert [one.code for one in found.done] == ["1", "2"]
        assert [one.systolic for one in found.readings] == [134, 150]
        assert found.due is not None
        assert not found.ended
