"""
A hypertension follow-up as FHIR resources: the Task that is due, and what its visit leaves behind.

https://hl7.org/fhir/R4/task.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from adapters.facts import resource_id
from hie.applications.fhir import ACT_CODE, TASK, code_in, concept, first_input, instant, patient_of, task_input
from hie.applications.primary_care.blood_pressure import Pressure, observation
from hie.applications.primary_care.rules import Assessment, FollowUpClass
from records.stored import Json

SOURCE = "urn:hie:primary-care"
CODE = "hypertension-follow-up"
CLASS = "urn:hie:follow-up-class"
QUESTIONNAIRE = "urn:hie:questionnaire:hypertension-follow-up"
CLASS_NAMES = {"1": "控制满意", "2": "控制不满意", "3": "不良反应", "4": "并发症"}
METHODS = {"clinic": "AMB", "home": "HH", "telephone": "VR"}


@dataclass(frozen=True, slots=True)
class Form:
    """What the doctor writes down; texts are free."""

    day: date
    method: str
    systolic: Decimal
    diastolic: Decimal
    symptoms: tuple[str, ...] = ()
    adherence: str = "1"
    adverse_reaction: bool = False
    complication: bool = False
    medicines: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """A follow-up that is due, read from its Task."""

    task_id: str
    patient: str
    facility: str
    due: date
    status: str
    systolic: Decimal | None
    diastolic: Decimal | None
    measured: date | None
    code: str
    refer: bool

    def state(self, today: date) -> str:
        """`overdue`, `today` or `open`."""
        return "overdue" if self.due < today else "today" if self.due == today else "open"


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
        bool(first_input(task, "refer", "valueBoolean")),
    )


def follow_up_task(
    key: tuple[str, str], patient: str, facility: str, due: date, now: datetime,
    *, last: Pressure | None = None, found: Assessment | None = None,
) -> Json:  # fmt: skip
    """The Task of the next visit; `key` (person, cause) makes its id, so that a repeated event adds nothing."""
    task: Json = {
        "resourceType": "Task",
        "id": resource_id(SOURCE, "Task", CODE, *key),
        "status": "requested",
        "intent": "plan",
        "code": concept(TASK, CODE, "高血压随访"),
        "for": {"reference": f"Patient/{patient}"},
        "authoredOn": instant(now),
        "lastModified": instant(now),
        "restriction": {"period": {"end": due.isoformat()}},
        "input": [*_measured(last), *_judged(found)],
    }
    if facility:
        task["owner"] = {"reference": facility}
    if found:
        task["businessStatus"] = concept(CLASS, found.code, CLASS_NAMES[found.code])
    if not task["input"]:
        del task["input"]
    return task


def encounter(task: Json, form: Form) -> Json:
    """The contact itself."""
    made: Json = {
        "resourceType": "Encounter",
        "id": resource_id(SOURCE, "Encounter", task["id"]),
        "status": "finished",
        "class": {"system": ACT_CODE, "code": METHODS.get(form.method, "AMB")},
        "type": [concept(TASK, CODE, "高血压随访")],
        "subject": task["for"],
        "period": {"start": form.day.isoformat(), "end": form.day.isoformat()},
    }
    return made | {"serviceProvider": task["owner"]} if "owner" in task else made


def measurement(task: Json, form: Form, at: datetime) -> Json:
    """The blood pressure of the visit."""
    logical_id = resource_id(SOURCE, "Observation", task["id"])
    made = observation(logical_id, patient_of(task), at, form.systolic, form.diastolic)
    made["encounter"] = {"reference": f"Encounter/{resource_id(SOURCE, 'Encounter', task['id'])}"}
    return made


def answers(task: Json, form: Form, found: Assessment, author: str, now: datetime) -> Json:
    """The form as a QuestionnaireResponse: every field of the norm that was filled in, and the judgement."""
    fields: list[Json] = [
        _answer("method", valueString=form.method),
        *(_answer("symptom", valueString=symptom) for symptom in form.symptoms),
        _answer("systolic", valueDecimal=form.systolic),
        _answer("diastolic", valueDecimal=form.diastolic),
        _answer("adherence", valueString=form.adherence),
        _answer("adverse-reaction", valueBoolean=form.adverse_reaction),
        _answer("complication", valueBoolean=form.complication),
        *([_answer("medicines", valueString=form.medicines)] if form.medicines else []),
        *([_answer("advice", valueString=form.advice)] if form.advice else []),
        _answer("class", valueCoding={"system": CLASS, "code": found.code, "display": CLASS_NAMES[found.code]}),
        _answer("next-visit", valueDate=found.next_visit.isoformat()),
        _answer("rules", valueString=found.rules),
    ]
    return {
        "resourceType": "QuestionnaireResponse",
        "id": resource_id(SOURCE, "QuestionnaireResponse", task["id"]),
        "questionnaire": QUESTIONNAIRE,
        "status": "completed",
        "subject": task["for"],
        "encounter": {"reference": f"Encounter/{resource_id(SOURCE, 'Encounter', task['id'])}"},
        "authored": instant(now),
        "author": {"type": "Practitioner", "display": author},
        "item": fields,
    }


def referral_proposal(task: Json, found: Assessment, now: datetime) -> Json:
    """The advice to refer, for the referral desk to take up; it binds nobody yet."""
    made: Json = {
        "resourceType": "ServiceRequest",
        "id": resource_id(SOURCE, "ServiceRequest", task["id"]),
        "status": "active",
        "intent": "proposal",
        "priority": "urgent" if found.danger else "routine",
        "category": [concept("urn:hie:service-request", "referral", "转诊")],
        "code": concept("urn:hie:referral-direction", "up", "上转"),
        "subject": task["for"],
        "authoredOn": instant(now),
        "reasonCode": [{"text": "高血压随访建议转诊"}],
    }
    return made | {"requester": task["owner"]} if "owner" in task else made


def classes(responses: list[Json]) -> tuple[FollowUpClass, ...]:
    """The classes of earlier follow-ups, newest first."""
    ordered = sorted(responses, key=lambda response: response.get("authored", ""), reverse=True)
    found = (_class(response) for response in ordered if response.get("questionnaire") == QUESTIONNAIRE)
    return tuple(code for code in found if code)


def _class(response: Json) -> FollowUpClass | None:
    for item in response.get("item", ()):
        if item["linkId"] == "class":
            code: FollowUpClass = item["answer"][0]["valueCoding"]["code"]
            return code
    return None


def _answer(link: str, **value: object) -> Json:
    return {"linkId": link, "answer": [value]}


def _measured(last: Pressure | None) -> list[Json]:
    if last is None:
        return []
    return [
        task_input("systolic", valueDecimal=last.systolic),
        task_input("diastolic", valueDecimal=last.diastolic),
        task_input("measured", valueDate=last.at.date().isoformat()),
        task_input("observation", valueReference={"reference": last.reference}),
    ]


def _judged(found: Assessment | None) -> list[Json]:
    if found is None:
        return []
    reasons = [task_input("reason", valueString=reason) for reason in found.reasons]
    return [task_input("refer", valueBoolean=found.refer), *reasons]
