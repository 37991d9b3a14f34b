"""
What the indicator engine counts of hypertension follow-up: people under control, visits in time.

Specification: region-1251 section 3, KPI formulas (控制率 = 年内最近一次随访达标 / 年内已管理).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from hie.applications.fhir import code_in, day, patient_of, reference_id
from hie.applications.primary_care.follow_up import CLASS, CODED, OPEN
from hie.indicators.engine import Collector, Source
from hie.indicators.indicator import Evidence, Row, Window
from records.stored import Json

AT_ONCE = 100
# A visit is at most so many days before or after the day it was due; what is later still counts as not in time.
NEAR = timedelta(days=120)


async def control(source: Source, window: Window) -> Evidence:
    """People followed up in the window; above the line those whose last visit was class 1."""
    tasks = await source.all("Task", CODED, ("status", "completed"), *_visited(window.start, window.end))
    people = await persons(source, [patient_of(task) for task in tasks])
    last: dict[str, Json] = {}
    for task in sorted(tasks, key=lambda task: (_done(task), task["id"])):
        last[people.get(patient_of(task), patient_of(task))] = task
    return Evidence(
        tuple(_row(task) for task in last.values() if code_in(task.get("businessStatus"), CLASS) == "1"),
        tuple(map(_row, last.values())),
    )


async def on_time(source: Source, window: Window) -> Evidence:
    """Follow-ups due in the window; above the line those done by their day."""
    near = _visited(window.start - NEAR, window.end + NEAR)
    done = await source.all("Task", CODED, ("status", "completed"), *near)
    waiting = await source.all("Task", CODED, OPEN, *_visited(window.start, window.end))
    due = [task for task in (*done, *waiting) if window.holds(_due(task))]
    in_time = [task for task in due if task["status"] == "completed" and _done(task) <= _due(task)]
    return Evidence(tuple(map(_row, in_time)), tuple(map(_row, due)))


COLLECTORS: Mapping[str, Collector] = {"hypertension-control": control, "hypertension-on-time": on_time}


async def persons(source: Source, patients: Iterable[str]) -> dict[str, str]:
    """The person of each source Patient, so that nobody is counted twice."""
    wanted = sorted(set(patients))
    found: dict[str, str] = {}
    for start in range(0, len(wanted), AT_ONCE):
        asked = ",".join(f"Patient/{one}" for one in wanted[start : start + AT_ONCE])
        for person in await source.all("Person", ("patient", asked)):
            for link in person.get("link", ()):
                found[reference_id(link.get("target"), "Patient")] = person["id"]
    return found


def _visited(start: date, end: date) -> tuple[tuple[str, str], ...]:
    return ("period", f"ge{start.isoformat()}"), ("period", f"lt{end.isoformat()}")


def _due(task: Json) -> date:
    return day(task["restriction"]["period"]["end"]) or date.min


def _done(task: Json) -> date:
    return day(task.get("executionPeriod", {}).get("end")) or date.max


def _row(task: Json) -> Row:
    return Row(f"Task/{task['id']}", task.get("owner", {}).get("reference", ""))
