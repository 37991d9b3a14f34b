"""
A hypertension follow-up that is due, as a FHIR Task: whose, when, after which reading, with which marks.

https://hl7.org/fhir/R4/task.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from adapters.facts import resource_id
from hie.applications.fhir import (
    TASK,
    ZONE,
    code_in,
    concept,
    first_input,
    followed,
    inputs,
    instant,
    patient_of,
    task_input,
)
from hie.applications.primary_care.blood_pressure import Pressure
from records.stored import Json

SOURCE = "urn:hie:primary-care"
CODE = "hypertension-follow-up"
CODED = ("code", f"{TASK}|{CODE}")
OPEN_STATES = ("requested", "in-progress", "on-hold")
OPEN = ("status", ",".join(OPEN_STATES))
CLASS = "urn:hie:follow-up-class"
CLASS_NAMES = {"1": "控制满意", "2": "控制不满意", "3": "不良反应", "4": "并发症"}
ENDED = "urn:hie:follow-up-ended"
NO_DIAGNOSIS, DECEASED = "no-diagnosis", "deceased"
END_NAMES = {NO_DIAGNOSIS: "诊断已撤销或结束", DECEASED: "已故"}


@dataclass(frozen=True, slots=True)
class Due:
    """A follow-up that is due, read from its Task."""

    task_id: str
    patient: str
    facility: str
    due: date
    status: str
    systolic: Decimal | None = None
    diastolic: Decimal | None = None
    measured: date | None = None
    code: str = ""
    reasons: tuple[str, ...] = ()

    @property
    def refer(self) -> bool:
        """Whether a referral is suggested."""
        return bool(self.reasons)

    def state(self, today: date) -> str:
        """`overdue`, `today` or `open`."""
        return "overdue" if self.due < today else "today" if self.due == today else "open"


@dataclass(frozen=True, slots=True)
class Mark:
    """What is shown on a Task: the last reading, the class it was given, and why a referral is suggested."""

    last: Pressure | None = None
    code: str = ""
    reasons: tuple[str, ...] = ()


def due_from(task: Json) -> Due:
    """Read a follow-up Task."""
    measured = first_input(task, "measured", "valueDate")
    return Due(
        task["id"],
        patient_of(task),
        task.get("owner", {}).get("reference", ""),
        date.fromisoformat(task["restriction"]["period"]["end"][:10]),
        task["status"],
        first_input(task, "systolic", "valueDecimal"),
        first_input(task, "diastolic", "valueDecimal"),
        date.fromisoformat(measured) if measured else None,
        code_in(task.get("businessStatus"), CLASS),
        reasons_of(task),
    )


def reasons_of(task: Json) -> tuple[str, ...]:
    """Why a referral is suggested."""
    return tuple(entry["valueString"] for entry in inputs(task, "reason"))


def follow_up_task(key: tuple[str, str], patient: str, facility: str, due: date, now: datetime, mark: Mark) -> Json:
    """The Task of the next visit; `key` (person, cause) makes its id, so that a repeated event adds nothing."""
    task: Json = {
        "resourceType": "Task",
        "id": resource_id(SOURCE, "Task", CODE, *key),
        "status": "requested",
        "intent": "plan",
        "code": concept(TASK, CODE, "高血压随访"),
        "for": {"reference": f"Patient/{patient}"},
        "authoredOn": instant(now),
        "owner": {"reference": facility} if facility else None,
    }
    return followed(task, **_marked(due, now, mark))


def moved(task: Json, due: date, now: datetime, mark: Mark) -> Json:
    """The same Task with another day or other marks."""
    return followed(task, **_marked(due, now, mark))


def finished(task: Json, day: date, code: str, response: Json, now: datetime) -> Json:
    """The Task after its visit, with the class that the visit was given."""
    output = {
        "type": {"text": "随访记录"},
        "valueReference": {"reference": f"QuestionnaireResponse/{response['id']}"},
    }
    period = {"start": day.isoformat(), "end": day.isoformat()}
    given = concept(CLASS, code, CLASS_NAMES[code])
    return followed(
        task, status="completed", businessStatus=given, executionPeriod=period, lastModified=instant(now),
        output=[output],
    )  # fmt: skip


def ended(task: Json, reason: str, now: datetime) -> Json:
    """The Task that will not be done."""
    why = concept(ENDED, reason, END_NAMES[reason])
    return followed(task, status="cancelled", statusReason=why, lastModified=instant(now))


def merge_reasons(kept: Iterable[str], found: Iterable[str]) -> tuple[str, ...]:
    """Reasons of the last visit stay until the next one; danger follows the newest reading."""
    lasting = tuple(reason for reason in kept if reason != "danger")
    return tuple(dict.fromkeys((*found, *lasting)))


def _marked(due: date, now: datetime, mark: Mark) -> dict[str, Any]:
    # R4 cannot search Task.restriction; as OpenSRP does, the planned day stands in executionPeriod until the visit.
    day = due.isoformat()
    marks = [*_measured(mark.last), *(task_input("reason", valueString=reason) for reason in mark.reasons)]
    return {
        "restriction": {"period": {"end": day}},
        "executionPeriod": {"start": day, "end": day},
        "priority": "urgent" if mark.reasons else "routine",
        "businessStatus": concept(CLASS, mark.code, CLASS_NAMES[mark.code]) if mark.code else None,
        "input": marks or None,
        "lastModified": instant(now),
    }


def _measured(last: Pressure | None) -> list[Json]:
    if last is None:
        return []
    return [
        task_input("systolic", valueDecimal=last.systolic),
        task_input("diastolic", valueDecimal=last.diastolic),
        task_input("measured", valueDate=last.at.astimezone(ZONE).date().isoformat()),
        task_input("observation", valueReference={"reference": last.reference}),
    ]
