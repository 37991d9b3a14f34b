"""
What the indicator engine counts of referrals: answers in time, patients who came back to the base.

Specification: region-1251 section 4, REG-01; section 7, MGT-02 (下转率).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from hie.applications.fhir import ZONE, first_input, moment
from hie.applications.regional_medical.referral import CODED, state_of
from hie.indicators.engine import Collector, Source
from hie.indicators.indicator import Evidence, Row, Window
from records.stored import Json

WITHDRAWN = "withdrawn"


async def answered_in_time(source: Source, window: Window) -> Evidence:
    """Referrals submitted in the window; one that its sender withdrew before an answer says nothing about answers."""
    submitted = await _submitted(source, window)
    withdrawn = [task for task in submitted if state_of(task) == "cancelled" and _at(task, "answered") is None]
    counted = [task for task in submitted if task not in withdrawn]
    return Evidence(
        tuple(_row(task, "owner") for task in counted if _in_time(task)),
        tuple(_row(task, "owner") for task in counted),
        tuple(_row(task, "owner", WITHDRAWN) for task in withdrawn),
    )


async def returned_down(source: Source, window: Window) -> Evidence:
    """Referrals upwards that were submitted in the window; above the line those taken back by the base."""
    up = [task for task in await _submitted(source, window) if first_input(task, "direction", "valueCode") == "up"]
    back = [task for task in up if state_of(task) == "closed"]
    return Evidence(tuple(_row(task, "requester") for task in back), tuple(_row(task, "requester") for task in up))


COLLECTORS: Mapping[str, Collector] = {
    "referral-answered-in-time": answered_in_time,
    "referral-returned-down": returned_down,
}


async def _submitted(source: Source, window: Window) -> list[Json]:
    # A Task was authored before, and last modified at or after, its submission.
    asked = ("authored-on", f"lt{window.end.isoformat()}"), ("modified", f"ge{window.start.isoformat()}")
    found = await source.all("Task", CODED, *asked)
    return [task for task in found if (at := _at(task, "submitted")) and window.holds(at.astimezone(ZONE).date())]


def _in_time(task: Json) -> bool:
    answered, limit = _at(task, "answered"), _at(task, "answer-due")
    return answered is not None and limit is not None and answered <= limit


def _at(task: Json, name: str) -> datetime | None:
    return moment(first_input(task, name, "valueDateTime"))


def _row(task: Json, side: str, flag: str = "") -> Row:
    return Row(f"Task/{task['id']}", task.get(side, {}).get("reference", ""), flag=flag)
