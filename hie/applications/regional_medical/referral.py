"""
A referral as FHIR: the ServiceRequest says what is asked, the Task where it stands, each Provenance one step.

https://hl7.org/fhir/R4/servicerequest.html, https://hl7.org/fhir/R4/task.html#statemachine
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, get_args

from adapters.facts import resource_id
from hie.applications.fhir import (
    EPOCH,
    TASK,
    code_in,
    concept,
    first_input,
    followed,
    instant,
    moment,
    patient_of,
    reference_id,
    task_input,
)
from hie.applications.regional_medical.rules import REQUEST_STATUS, TASK_STATUS, Direction, Party, State
from hie.errors import Unprocessable
from records.stored import Json

SOURCE = "urn:hie:regional-medical"
CODE = "referral"
CODED = ("code", f"{TASK}|{CODE}")
STATE, DIRECTION, DEPARTMENT = "urn:hie:referral-state", "urn:hie:referral-direction", "urn:hie:department"
REQUEST, ACTION = "urn:hie:service-request", "urn:hie:referral-action"
DISCHARGE = "discharge-follow-up"
STATE_NAMES: dict[State, str] = {
    "draft": "草稿", "submitted": "待答复", "accepted": "已接收", "returned": "已退回", "refused": "已拒绝",
    "arrived": "已到院", "in-care": "诊疗中", "down-proposed": "待接回", "closed": "已结束", "cancelled": "已撤销",
    "expired": "已过期",
}  # fmt: skip
DIRECTION_NAMES: dict[Direction, str] = {"up": "上转", "down": "下转", "level": "平转"}


@dataclass(frozen=True, slots=True)
class Application:
    """What a referring doctor writes; `receiver` and `attachments` are references."""

    direction: Direction = "up"
    priority: str = "routine"
    receiver: str = ""
    department: str = ""
    diagnosis: str = ""
    reason: str = ""
    attachments: tuple[str, ...] = ()
    agreed: bool = False

    def missing(self) -> tuple[str, ...]:
        """The fields without which nobody can answer."""
        needed = {"receiver": self.receiver, "diagnosis": self.diagnosis, "reason": self.reason, "agreed": self.agreed}
        return tuple(name for name, value in needed.items() if not value)


@dataclass(frozen=True, slots=True)
class Referral:
    """A referral, read from its Task and ServiceRequest. `sender` is a reference, empty where nobody took it up."""

    id: str
    request_id: str
    patient: str
    state: State
    application: Application
    sender: str
    since: datetime
    deadline: datetime | None = None
    note: str = ""
    slot: str = ""
    summary: str = ""
    proposal: str = ""

    def parties(self, own: frozenset[str]) -> frozenset[Party]:
        """On which sides an institution stands; a proposal that nobody sent may be taken up by any."""
        sides: set[Party] = set()
        if self.sender in own or (own and not self.sender and self.state == "draft"):
            sides.add("referring")
        if self.application.receiver in own:
            sides.add("receiving")
        return frozenset(sides)

    def is_late(self, now: datetime) -> bool:
        """Past the moment at which it should have left its state."""
        return self.deadline is not None and now > self.deadline


def task_id(key: Sequence[str]) -> str:
    """The id of the Task of a referral with this key."""
    return resource_id(SOURCE, "Task", CODE, *key)


def drafted(
    key: Sequence[str], patient: str, sender: str, application: Application, now: datetime, *, proposal: str = ""
) -> tuple[Json, Json]:  # fmt: skip
    """ServiceRequest and Task of a new draft; `key` makes their ids, so that a repeated event adds nothing."""
    request: Json = {
        "resourceType": "ServiceRequest",
        "id": resource_id(SOURCE, "ServiceRequest", *key),
        "status": "draft",
        "intent": "order",
        "category": [concept(REQUEST, CODE, "转诊")],
        "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": instant(now),
    }
    if proposal:
        request["basedOn"] = [{"reference": f"ServiceRequest/{proposal}"}]
    task: Json = {
        "resourceType": "Task",
        "id": task_id(key),
        "intent": "order",
        "code": concept(TASK, CODE, "双向转诊"),
        "focus": {"reference": f"ServiceRequest/{request['id']}"},
        "for": {"reference": f"Patient/{patient}"},
        "authoredOn": instant(now),
    }
    request, task = written(request, task, sender, application, now)
    return request, stood(task, "draft", now, None)


def written(request: Json, task: Json, sender: str, application: Application, now: datetime) -> tuple[Json, Json]:
    """Both with what the application says."""
    sent = {"reference": sender} if sender else None
    received = {"reference": application.receiver} if application.receiver else None
    request = followed(
        request,
        priority=application.priority,
        code=concept(DIRECTION, application.direction, DIRECTION_NAMES[application.direction]),
        requester=sent,
        performer=[received] if received else None,
        performerType={"text": application.department} if application.department else None,
        reasonCode=[{"text": application.diagnosis}] if application.diagnosis else None,
        note=[{"text": application.reason}] if application.reason else None,
        supportingInfo=[{"reference": one} for one in application.attachments] or None,
    )
    said = with_input(task, "agreed", valueBoolean=application.agreed)
    said = with_input(said, "direction", valueCode=application.direction)
    task = followed(
        said, priority=application.priority, requester=sent, owner=received, lastModified=instant(now)
    )  # fmt: skip
    return request, task


def stood(task: Json, state: State, now: datetime, deadline: datetime | None, reason: str = "") -> Json:
    """The Task in a state. Its deadline is searchable as executionPeriod: R4 cannot search Task.restriction."""
    end = instant(deadline) if deadline else ""
    return followed(
        task,
        status=TASK_STATUS[state],
        businessStatus=concept(STATE, state, STATE_NAMES[state]),
        statusReason={"text": reason} if reason else None,
        restriction={"period": {"end": end}} if end else None,
        executionPeriod={"start": end, "end": end} if end else None,
        lastModified=instant(now),
    )


def request_in(request: Json, state: State) -> Json:
    """The ServiceRequest of a referral in a state."""
    return followed(request, status=REQUEST_STATUS.get(state, "active"))


def with_input(task: Json, name: str, **value: Any) -> Json:
    """The Task with one named input, in place of an earlier one."""
    kept = [entry for entry in task.get("input", ()) if code_in(entry["type"], "urn:hie:task-input") != name]
    return {**task, "input": [*kept, task_input(name, **value)]}


def provenance(
    task: Json, number: int, action: str, author: Json, organization: str, now: datetime, reason: str
) -> Json:  # fmt: skip
    """One step: which, by whom, when, and why."""
    agent: Json = {"who": author}
    if organization:
        agent["onBehalfOf"] = {"reference": organization}
    made: Json = {
        "resourceType": "Provenance",
        "id": resource_id(SOURCE, "Provenance", task["id"], str(number)),
        # The patient is a target too, so that the step is in the record that consent and access speak of.
        "target": [{"reference": f"Task/{task['id']}"}, task["focus"], task["for"]],
        "recorded": instant(now),
        "activity": concept(ACTION, action),
        "agent": [agent],
    }
    return made | {"reason": [{"text": reason}]} if reason else made


def discharge_task(referral: Referral, deadline: datetime, summary: str, now: datetime) -> Json:
    """For the family doctor: see the patient who comes back."""
    day = instant(deadline)
    made: Json = {
        "resourceType": "Task",
        "id": discharge_id(referral.id),
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": concept(TASK, DISCHARGE, "出院后随访"),
        "description": summary,
        "focus": {"reference": f"ServiceRequest/{referral.request_id}"},
        "partOf": [{"reference": f"Task/{referral.id}"}],
        "for": {"reference": f"Patient/{referral.patient}"},
        "authoredOn": instant(now),
        "lastModified": instant(now),
        "requester": {"reference": referral.application.receiver},
        "restriction": {"period": {"end": day}},
        "executionPeriod": {"start": day, "end": day},
    }
    return made | {"owner": {"reference": referral.sender}} if referral.sender else made


def discharge_id(referral_id: str) -> str:
    """The id of the follow-up that a referral ends with."""
    return resource_id(SOURCE, "Task", DISCHARGE, referral_id)


def state_of(task: Json) -> State:
    """The state in Task.businessStatus; Unprocessable where it is none of ours."""
    found = code_in(task.get("businessStatus"), STATE)
    if found not in get_args(State):
        raise Unprocessable("The referral is in no known state.")
    return found  # type: ignore[return-value]


def read(task: Json, request: Json) -> Referral:
    """A referral out of its two resources."""
    given = application_from(request)
    proposals = [reference_id(one, "ServiceRequest") for one in request.get("basedOn", ())]
    return Referral(
        task["id"],
        request["id"],
        patient_of(task),
        state_of(task),
        replace(given, agreed=bool(first_input(task, "agreed", "valueBoolean"))),
        task.get("requester", {}).get("reference", ""),
        moment(task["lastModified"]) or EPOCH,
        moment(task.get("restriction", {}).get("period", {}).get("end")),
        task.get("statusReason", {}).get("text", ""),
        first_input(task, "slot", "valueString") or "",
        first_input(task, "summary", "valueString") or "",
        next(iter(proposals), ""),
    )


def application_from(request: Json) -> Application:
    """What a ServiceRequest of a referral, or a proposal of one, asks."""
    direction = code_in(request.get("code"), DIRECTION)
    reasons = [
        str(one.get("text") or next((coding.get("display", "") for coding in one.get("coding", ())), ""))
        for one in request.get("reasonCode", ())
    ]
    return Application(
        direction if direction in DIRECTION_NAMES else "up",  # type: ignore[arg-type]
        request.get("priority", "routine"),
        next((one["reference"] for one in request.get("performer", ()) if reference_id(one, "Organization")), ""),
        request.get("performerType", {}).get("text", ""),
        "；".join(filter(None, reasons)),
        next((str(one.get("text", "")) for one in request.get("note", ())), ""),
        tuple(one["reference"] for one in request.get("supportingInfo", ()) if one.get("reference")),
    )


def is_proposal(request: Json) -> bool:
    """Advice to refer, which nobody has taken up."""
    categories = {code_in(one, REQUEST) for one in request.get("category", ())}
    return request.get("intent") == "proposal" and request.get("status") == "active" and CODE in categories
