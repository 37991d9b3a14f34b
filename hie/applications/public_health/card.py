"""
A report card in FHIR: a Task is its way (due, state), a QuestionnaireResponse its fields, a Provenance each step.

While a card is open its due moment also stands in Task.executionPeriod, since R4 cannot search Task.restriction;
Task.groupIdentifier is the district it is counted in, for the same reason. https://hl7.org/fhir/R4/task.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.facts import resource_id
from hie.applications.fhir import (
    ACT_CODE,
    TASK,
    ZONE,
    code_in,
    concept,
    first_input,
    inputs,
    instant,
    moment,
    patient_of,
    reference_id,
    task_input,
    words,
)
from hie.applications.public_health.recognition import Suspicion
from hie.applications.public_health.rules import OPEN, STATES, TASK_STATUS, Disease, State
from hie.applications.rule_data import Rules
from records.stored import Json
from terminology.service import NOTIFIABLE

SOURCE = "urn:hie:public-health"
CODE = "notifiable-report"
CODED = ("code", f"{TASK}|{CODE}")
STATE = "urn:hie:report-card-state"
STEP = "urn:hie:report-card-step"
DIVISION = "urn:hie:gbt2260"
QUESTIONNAIRE = "urn:hie:questionnaire:infectious-disease-card"
PLATFORM = {"type": "Device", "display": "区域平台"}


@dataclass(frozen=True, slots=True)
class Card:
    """A report card, read from its Task. `reported` is when it first was; `evidence` is what it rests on."""

    id: str
    patient: str
    disease: str
    disease_name: str
    state: State
    diagnosed: datetime
    due: datetime
    facility: str
    district: str
    urgent: bool
    basis: str
    case_class: str
    evidence: tuple[str, ...]
    response: str
    drafted: datetime
    reported: datetime | None = None
    reason: str = ""
    source_withdrawn: bool = False
    rules: str = ""

    @property
    def is_open(self) -> bool:
        """Waits for somebody."""
        return self.state in OPEN

    def is_overdue(self, now: datetime) -> bool:
        """Not reported at its due moment; a card that came back was reported once, and is not late again."""
        return self.is_open and self.reported is None and self.due < now

    def left(self, now: datetime) -> timedelta:
        """Time until it is due; negative when it is late."""
        return self.due - now

    @property
    def in_time(self) -> bool | None:
        """Whether it was reported in time; None until it is."""
        return None if self.reported is None else self.reported <= self.due


def card_from(task: Json) -> Card:
    """Read a Task."""
    period = task["restriction"]["period"]
    drafted = _at(task["authoredOn"])
    reported = first_input(task, "first-reported", "valueDateTime")
    output: Json = next(iter(task.get("output", ())), {})
    return Card(
        task["id"],
        patient_of(task),
        code_in(task["code"], NOTIFIABLE),
        words(task.get("reasonCode")),
        _state(task),
        _at(period["start"]),
        _at(period["end"]),
        str(task.get("owner", {}).get("reference", "")),
        str(task.get("groupIdentifier", {}).get("value", "")),
        task.get("priority") == "stat",
        str(first_input(task, "basis", "valueString") or ""),
        str(first_input(task, "case-class", "valueString") or ""),
        evidence_of(task),
        reference_id(output.get("valueReference"), "QuestionnaireResponse"),
        drafted,
        _at(reported) if reported else None,
        words(task.get("statusReason")),
        bool(first_input(task, "source-withdrawn", "valueBoolean")),
        str(first_input(task, "rules", "valueString") or ""),
    )


def evidence_of(task: Json) -> tuple[str, ...]:
    """References of the diagnoses and results behind a card, the first one first."""
    more = (str(entry["valueReference"]["reference"]) for entry in inputs(task, "evidence"))
    return tuple(dict.fromkeys((str(task["focus"]["reference"]), *more)))


@dataclass(frozen=True, slots=True)
class Draft:
    """What a new card is made of; `key` (person, number of the card) makes its id."""

    key: tuple[str, str]
    patient: str
    suspicion: Suspicion
    evidence: str
    facility: str
    district: str
    due: datetime
    rules: Rules
    values: Mapping[str, str]
    answers: Sequence[Json]


def made(draft: Draft, now: datetime) -> list[Json]:
    """Task, QuestionnaireResponse and the Provenance of the first step."""
    disease = draft.suspicion.disease
    task_id = resource_id(SOURCE, "Task", CODE, disease.code, *draft.key)
    response = {
        "resourceType": "QuestionnaireResponse",
        "id": resource_id(SOURCE, "QuestionnaireResponse", task_id),
        **_security(disease),
        "questionnaire": QUESTIONNAIRE,
        "status": "in-progress",
        "subject": {"reference": f"Patient/{draft.patient}"},
        "authored": instant(now),
        "item": list(draft.answers),
    }
    task = _task(draft, task_id, response["id"], now)
    return [task, response, trail(task, "drafted", PLATFORM, now, number=1, sources=(draft.evidence,))]


def _task(draft: Draft, task_id: str, response: str, now: datetime) -> Json:
    disease, suspicion = draft.suspicion.disease, draft.suspicion
    coding = concept(NOTIFIABLE, disease.code, disease.name)["coding"]
    task = {
        "resourceType": "Task",
        "id": task_id,
        **_security(disease),
        **_in_state("draft"),
        "intent": "order",
        "priority": "stat" if disease.is_urgent else "routine",
        "code": {"coding": [*concept(TASK, CODE, "传染病报告")["coding"], *coding], "text": "传染病报告卡"},
        "reasonCode": {"coding": coding, "text": disease.name},
        "focus": {"reference": draft.evidence},
        "for": {"reference": f"Patient/{draft.patient}"},
        "authoredOn": instant(now),
        "lastModified": instant(now),
        "executionPeriod": _planned(draft.due),
        "restriction": {"period": {"start": instant(suspicion.diagnosed), "end": instant(draft.due)}},
        "input": [
            task_input("basis", valueString=suspicion.basis),
            task_input("case-class", valueString=suspicion.case_class),
            task_input("rules", valueString=draft.rules.version),
        ],
        "output": [{"type": {"text": "报告卡"}, "valueReference": {"reference": f"QuestionnaireResponse/{response}"}}],
    }
    if draft.facility:
        task["owner"] = {"reference": draft.facility}
    return with_district(task, draft.district)


def with_district(task: Json, district: str) -> Json:
    """The same Task, counted in a district."""
    kept = {name: value for name, value in task.items() if name != "groupIdentifier"}
    return kept | {"groupIdentifier": {"system": DIVISION, "value": district}} if district else kept


def moved(task: Json, state: State, now: datetime, *, reason: str = "") -> Json:
    """The same Task in another state."""
    card = card_from(task)
    changed = _kept(task) | _in_state(state) | {"lastModified": instant(now)}
    for name in ("statusReason", "executionPeriod"):
        changed.pop(name, None)
    if reason:
        changed["statusReason"] = {"text": reason}
    if state == "reported":
        changed["executionPeriod"] = {"start": instant(card.diagnosed), "end": instant(now)}
        if card.reported is None:
            changed["input"] = [*task.get("input", ()), task_input("first-reported", valueDateTime=instant(now))]
    elif card.reported is None:
        # A card that was reported once has met its limit or missed it: coming back, it is due at no moment.
        changed["executionPeriod"] = _planned(card.due)
    return changed


def with_input(task: Json, now: datetime, *entries: Json) -> Json:
    """The same Task with more inputs."""
    return _kept(task) | {"input": [*task.get("input", ()), *entries], "lastModified": instant(now)}


def replace_input(task: Json, name: str, **value: Any) -> Json:
    """The same Task with one input set anew."""
    others = [entry for entry in task.get("input", ()) if entry not in inputs(task, name)]
    return _kept(task) | {"input": [*others, task_input(name, **value)]}


def with_diagnosed(task: Json, diagnosed: datetime, due: datetime) -> Json:
    """The same Task with another moment of diagnosis, and so another limit."""
    changed = _kept(task) | {"restriction": {"period": {"start": instant(diagnosed), "end": instant(due)}}}
    card = card_from(task)
    return changed | {"executionPeriod": _planned(due)} if card.is_open and card.reported is None else changed


def answered(response: Json, answers: Sequence[Json], status: str, author: Json | None, now: datetime) -> Json:
    """The fields, written anew."""
    changed = _kept(response) | {"item": list(answers), "status": status, "authored": instant(now)}
    return changed | {"author": author} if author else changed


def trail(
    task: Json, step: str, who: Json, now: datetime, *, number: int, reason: str = "", sources: Iterable[str] = ()
) -> Json:
    """Who did which step when, and why; `number` counts the versions of the Task, so that a repeated step adds none."""
    record: Json = {
        "resourceType": "Provenance",
        "id": resource_id(SOURCE, "Provenance", task["id"], str(number)),
        "target": [{"reference": f"Task/{task['id']}"}, task["output"][0]["valueReference"]],
        "occurredDateTime": instant(now),
        "recorded": instant(now),
        "activity": concept(STEP, step),
        "agent": [{"who": who}],
    }
    if security := task.get("meta", {}).get("security"):
        record["meta"] = {"security": security}
    if reason:
        record["reason"] = [{"text": reason}]
    if entities := [{"role": "source", "what": {"reference": one}} for one in sources]:
        record["entity"] = entities
    return record


def _security(disease: Disease) -> Json:
    return {"meta": {"security": [{"system": ACT_CODE, "code": disease.label}]}} if disease.label else {}


def _kept(resource: Json) -> Json:
    """A copy whose meta holds the labels and nothing that the store writes."""
    security = resource.get("meta", {}).get("security")
    return {**resource, "meta": {"security": security}} if security else {
        name: value for name, value in resource.items() if name != "meta"
    }  # fmt: skip


def _in_state(state: State) -> Json:
    return {"status": TASK_STATUS[state], "businessStatus": concept(STATE, state, STATES[state])}


def _planned(due: datetime) -> Json:
    return {"start": instant(due), "end": instant(due)}


def _state(task: Json) -> State:
    code: State = code_in(task["businessStatus"], STATE)  # type: ignore[assignment]
    return code


def _at(text: str) -> datetime:
    found = moment(text)
    assert found is not None
    return found.astimezone(ZONE)
