"""
What a follow-up visit leaves behind as FHIR resources: contact, measurements, the form with its judgement, a proposal.

https://hl7.org/fhir/R4/questionnaireresponse.html, https://hl7.org/fhir/R4/vitalsigns.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from adapters.facts import resource_id
from hie.applications.fhir import ACT_CODE, TASK, concept, day, instant, patient_of
from hie.applications.primary_care.blood_pressure import observation
from hie.applications.primary_care.follow_up import CLASS, CLASS_NAMES, CODE, SOURCE
from hie.applications.primary_care.form import Form, Medicine
from hie.applications.primary_care.rules import Assessment, FollowUpClass
from records.stored import Json
from terminology.service import LOINC

QUESTIONNAIRE = "urn:hie:questionnaire:hypertension-follow-up"
ANSWERED = ("questionnaire", QUESTIONNAIRE)
REASON_NAMES = {"danger": "血压或症状危急", "repeated": "连续控制不满意或不良反应", "complication": "出现并发症"}
METHODS = {"clinic": "AMB", "home": "HH", "telephone": "VR"}
UCUM = "http://unitsofmeasure.org"
VITALS = (
    ("heart_rate", "8867-4", "心率", "/min"),
    ("weight", "29463-7", "体重", "kg"),
    ("height", "8302-2", "身高", "cm"),
    ("bmi", "39156-5", "体质指数", "kg/m2"),
)
NUMBERS = ("systolic", "diastolic", "heart_rate", "weight", "height", "smoking", "alcohol", "exercise_times",
           "exercise_minutes")  # fmt: skip
TEXTS = ("salt", "mind", "compliance", "tests", "adherence", "adverse_text", "advice")


@dataclass(frozen=True, slots=True)
class Record:
    """A follow-up that was done, read from its QuestionnaireResponse."""

    response_id: str
    day: date
    code: FollowUpClass
    systolic: Decimal
    diastolic: Decimal
    method: str = ""
    next_visit: date | None = None
    danger: bool = False
    refer: bool = False
    change_medicine: bool = False
    reasons: tuple[str, ...] = ()
    rules: str = ""
    author: str = ""
    symptoms: tuple[str, ...] = ()
    medicines: tuple[Medicine, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()


def response_id(task_id: str) -> str:
    """The id of the form that a follow-up Task leads to."""
    return resource_id(SOURCE, "QuestionnaireResponse", task_id)


def encounter(task: Json, form: Form, facility: str) -> Json:
    """The contact itself; `facility` is where it was."""
    period = {"start": form.day.isoformat(), "end": form.day.isoformat()}
    made: Json = {
        "resourceType": "Encounter",
        "id": _encounter_id(task),
        "status": "finished",
        "class": {"system": ACT_CODE, "code": METHODS.get(form.method, "AMB")},
        "type": [concept(TASK, CODE, "高血压随访")],
        "subject": task["for"],
        "period": period,
    }
    return made | {"serviceProvider": {"reference": facility}} if facility else made


def measurements(task: Json, form: Form, at: datetime, facility: str) -> list[Json]:
    """The blood pressure of the visit first, then what else was measured."""
    logical_id = resource_id(SOURCE, "Observation", task["id"])
    made = [observation(logical_id, patient_of(task), at, form.systolic, form.diastolic)]
    for name, code, display, unit in VITALS:
        if (value := getattr(form, name)) is not None:
            made.append(_vital(task, name, (code, display, unit), value, at))
    common: Json = {"encounter": {"reference": f"Encounter/{_encounter_id(task)}"}}
    common |= {"performer": [{"reference": facility}]} if facility else {}
    return [one | common for one in made]


def answers(task: Json, form: Form, found: Assessment, author: Json, now: datetime) -> Json:
    """The form as a QuestionnaireResponse: every field of the norm that was filled in, and the judgement."""
    return {
        "resourceType": "QuestionnaireResponse",
        "id": response_id(task["id"]),
        "questionnaire": QUESTIONNAIRE,
        "status": "completed",
        "subject": task["for"],
        "encounter": {"reference": f"Encounter/{_encounter_id(task)}"},
        "authored": instant(now),
        "author": author,
        "item": [*_written(form), *_judged(found)],
    }


def referral_proposal(task: Json, found: Assessment, facility: str, now: datetime) -> Json:
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
        "encounter": {"reference": f"Encounter/{_encounter_id(task)}"},
        "authoredOn": instant(now),
        "reasonCode": [{"text": "高血压"}],
        "note": [{"text": "；".join(REASON_NAMES[reason] for reason in found.reasons)}],
        "supportingInfo": [
            {"reference": f"QuestionnaireResponse/{response_id(task['id'])}"},
            {"reference": f"Observation/{resource_id(SOURCE, 'Observation', task['id'])}"},
        ],
    }
    return made | {"requester": {"reference": facility}} if facility else made


def record_from(response: Json) -> Record:
    """Read a follow-up that was done."""
    found = {item["linkId"]: item["answer"] for item in response.get("item", ()) if item.get("answer")}

    def value(name: str, choice: str, default: Any = None) -> Any:
        return found[name][0].get(choice, default) if name in found else default

    def every(name: str) -> tuple[str, ...]:
        return tuple(answer["valueString"] for answer in found.get(name, ()))

    return Record(
        response["id"],
        date.fromisoformat(value("day", "valueDate", str(day(response["authored"])))),
        value("class", "valueCoding", {}).get("code", "2"),
        value("systolic", "valueDecimal", Decimal(0)),
        value("diastolic", "valueDecimal", Decimal(0)),
        value("method", "valueString", ""),
        _date(value("next-visit", "valueDate")),
        bool(value("danger", "valueBoolean")),
        bool(value("refer", "valueBoolean")),
        bool(value("change-medicine", "valueBoolean")),
        every("reason"),
        value("rules", "valueString", ""),
        response.get("author", {}).get("display", ""),
        every("symptom"),
        tuple(_medicine(item) for item in response.get("item", ()) if item["linkId"] == "medicine"),
        tuple((name, text) for name in TEXTS if (text := value(name, "valueString"))),
    )


def records(responses: Iterable[Json]) -> tuple[Record, ...]:
    """Every hypertension follow-up among answers, the newest visit first."""
    found = (record_from(one) for one in responses if one.get("questionnaire") == QUESTIONNAIRE)
    return tuple(sorted(found, key=lambda record: record.day, reverse=True))


def classes_before(done: Iterable[Record], when: date) -> tuple[FollowUpClass, ...]:
    """The classes of the follow-ups up to a day, newest first."""
    return tuple(record.code for record in done if record.day <= when)


def _written(form: Form) -> Iterator[Json]:
    yield _item("day", valueDate=form.day.isoformat())
    yield _item("method", valueString=form.method)
    if form.symptoms:
        yield {"linkId": "symptom", "answer": [{"valueString": symptom} for symptom in form.symptoms]}
    for name in NUMBERS:
        if (number := getattr(form, name)) is not None:
            yield _item(name, valueDecimal=number)
    for name in TEXTS:
        if text := getattr(form, name):
            yield _item(name, valueString=text)
    yield _item("adverse-reaction", valueBoolean=form.adverse_reaction)
    yield _item("complication", valueBoolean=form.complication)
    for medicine in form.medicines:
        parts = (("name", medicine.name), ("times", medicine.times), ("dose", medicine.dose))
        items = [_item(f"medicine-{key}", valueString=text) for key, text in parts if text]
        yield {"linkId": "medicine", "item": items}


def _judged(found: Assessment) -> Iterator[Json]:
    yield _item("class", valueCoding={"system": CLASS, "code": found.code, "display": CLASS_NAMES[found.code]})
    yield _item("danger", valueBoolean=found.danger)
    yield _item("refer", valueBoolean=found.refer)
    yield _item("change-medicine", valueBoolean=found.change_medicine)
    if found.reasons:
        yield {"linkId": "reason", "answer": [{"valueString": reason} for reason in found.reasons]}
    yield _item("next-visit", valueDate=found.next_visit.isoformat())
    yield _item("rules", valueString=found.rules)


def _vital(task: Json, name: str, meaning: tuple[str, str, str], value: Decimal, at: datetime) -> Json:
    code, display, unit = meaning
    return {
        "resourceType": "Observation",
        "id": resource_id(SOURCE, "Observation", task["id"], name),
        "status": "final",
        "category": [concept("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")],
        "code": concept(LOINC, code, display),
        "subject": task["for"],
        "effectiveDateTime": instant(at),
        "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
    }


def _medicine(item: Json) -> Medicine:
    found = {part["linkId"]: part["answer"][0]["valueString"] for part in item.get("item", ())}
    return Medicine(*(found.get(f"medicine-{key}", "") for key in ("name", "times", "dose")))


def _encounter_id(task: Json) -> str:
    return resource_id(SOURCE, "Encounter", task["id"])


def _item(link: str, **value: object) -> Json:
    return {"linkId": link, "answer": [value]}


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
