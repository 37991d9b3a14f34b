"""
What a family doctor and the exchange do about hypertension: enrol, take in new readings, record a follow-up.

Specification: region-1251 section 3, PHC-03.
"""

from __future__ import annotations

from datetime import date, datetime, time

from hie.applications.fhir import ZONE, day, facility_of, followed, instant, patient_of
from hie.applications.primary_care import follow_up
from hie.applications.primary_care.blood_pressure import CODES, Pressure, pressures
from hie.applications.primary_care.follow_up import CODE, SOURCE, Due, Form
from hie.applications.primary_care.rules import Assessment, Visit, age_on, assess
from hie.applications.rule_data import Rules, rule_book
from hie.applications.work import Event, Reader, Work, change, create, of_patients
from hie.errors import Unprocessable
from records.errors import Gone, NotFound
from records.stored import Json, Stored, Write
from terminology.service import Terminology

HYPERTENSION = "urn:hie:valueset:hypertension"
EVENTS = ("Condition", "Observation")
OPEN = ("status", "requested,in-progress,on-hold")
ENDED = frozenset({"inactive", "remission", "resolved"})
DENIED = frozenset({"refuted", "entered-in-error", "unconfirmed", "provisional", "differential"})


def rules_on(today: date) -> Rules:
    """The rule set in force."""
    return rule_book("primary_care", "hypertension").at(today)


async def on_event(work: Work, event: Event) -> None:
    """A confirmed diagnosis enrols; a new reading moves the follow-up that is open. Repeats change nothing."""
    if event.type not in EVENTS:
        return
    try:
        resource = (await work.store.read(event.type, event.id)).resource()
    except (NotFound, Gone):
        return
    patient = patient_of(resource)
    if patient and event.type == "Condition" and is_hypertension(resource, work.terminology):
        await enrol(work, patient)
    elif patient and event.type == "Observation" and pressures([resource]):
        await take_in(work, patient)


def is_hypertension(condition: Json, words: Terminology) -> bool:
    """An active, confirmed diagnosis of hypertension."""
    clinical = {row.get("code") for row in condition.get("clinicalStatus", {}).get("coding", ())}
    verified = {row.get("code") for row in condition.get("verificationStatus", {}).get("coding", ())}
    if clinical & ENDED or verified & DENIED:
        return False
    found = condition.get("code", {}).get("coding", ())
    return any(words.member(HYPERTENSION, row.get("system", ""), row.get("code", "")) for row in found)


async def enrol(work: Work, patient: str) -> Stored | None:
    """Open the first follow-up of a person with hypertension; None where one was ever opened."""
    reader, person = Reader(work.store), await work.person(patient)
    patients = await work.patients(patient)
    if await reader.first("Task", of_patients(patients), ("code", f"{follow_up.TASK}|{CODE}")):
        return None
    record = (await work.store.read("Patient", patient)).resource()
    last, found = await _judge_latest(work, reader, record, patients)
    now = work.clock()
    due = found.next_visit if found else now.astimezone(ZONE).date()
    task = follow_up.follow_up_task(
        (person, "enrolment"), patient, facility_of(record), due, now, last=last, found=found
    )
    return (await work.file([create(task)], SOURCE))[0]


async def take_in(work: Work, patient: str) -> Stored | None:
    """Show a newer reading on the open follow-up, and bring the visit forward where it is dangerous."""
    reader, patients = Reader(work.store), await work.patients(patient)
    row = await _open_task(reader, patients)
    if row is None:
        return None
    task = row.resource()
    record = (await work.store.read("Patient", patient)).resource()
    last, found = await _judge_latest(work, reader, record, patients)
    due = follow_up.due_from(task)
    if last is None or found is None or (due.measured and last.at.date() <= due.measured):
        return None
    when = min(due.due, found.next_visit) if found.danger else due.due
    fresh = follow_up.follow_up_task(("", ""), due.patient, due.facility, when, work.clock(), last=last, found=found)
    kept = {name: fresh[name] for name in ("input", "restriction", "businessStatus", "lastModified")}
    return (await work.file([change(row, followed(task, **kept))], SOURCE))[0]


async def record(work: Work, reader: Reader, task_id: str, form: Form, author: str) -> Assessment:
    """File one follow-up: visit, reading, form, the finished task, the next one, and a referral where one is due."""
    row = await reader.read("Task", task_id)
    task = row.resource()
    _check(task, form, work.clock())
    patients = await work.patients(patient_of(task))
    found = await _judge_form(reader, task, form, patients)
    now, at = work.clock(), datetime.combine(form.day, time(12), ZONE)
    measured = follow_up.measurement(task, form, min(at, now))
    last = pressures([measured])[0]
    upcoming = follow_up.follow_up_task(
        (await work.person(patient_of(task)), task_id), patient_of(task),
        task.get("owner", {}).get("reference", ""), found.next_visit, now, last=last, found=found,
    )  # fmt: skip
    response = follow_up.answers(task, form, found, author, now)
    made = [follow_up.encounter(task, form), measured, response, upcoming]
    if found.refer:
        made.append(follow_up.referral_proposal(task, found, now))
    await work.file([_finish(row, task, form, response, now), *map(create, made)], SOURCE)
    return found


async def open_follow_ups(reader: Reader) -> list[Due]:
    """Every follow-up that is due some day, the earliest first."""
    tasks = await reader.all("Task", ("code", f"{follow_up.TASK}|{CODE}"), OPEN)
    return sorted((follow_up.due_from(task) for task in tasks), key=lambda due: (due.due, due.task_id))


def _check(task: Json, form: Form, now: datetime) -> None:
    if task["status"] == "completed":
        raise Unprocessable("This follow-up has been recorded already.")
    if form.day > now.astimezone(ZONE).date():
        raise Unprocessable("A follow-up cannot lie in the future.", expression="day")
    if not 40 <= form.diastolic < form.systolic <= 300:
        raise Unprocessable("The pressures are not plausible.", expression="systolic")


def _finish(row: Stored, task: Json, form: Form, response: Json, now: datetime) -> Write:
    output = {
        "type": {"text": "随访记录"},
        "valueReference": {"reference": f"QuestionnaireResponse/{response['id']}"},
    }
    period = {"start": form.day.isoformat(), "end": form.day.isoformat()}
    done = followed(task, status="completed", executionPeriod=period, lastModified=instant(now), output=[output])
    return change(row, done)


async def _judge_form(reader: Reader, task: Json, form: Form, patients: tuple[str, ...]) -> Assessment:
    person = (await reader.read("Patient", patient_of(task))).resource()
    earlier = follow_up.classes(await reader.all("QuestionnaireResponse", of_patients(patients)))
    visit = Visit(form.day, form.systolic, form.diastolic, form.symptoms, form.adverse_reaction, form.complication)
    return assess(visit, _age(person, form.day), earlier, rules_on(form.day))


async def _judge_latest(
    work: Work, reader: Reader, patient: Json, patients: tuple[str, ...]
) -> tuple[Pressure | None, Assessment | None]:
    found = await reader.first("Observation", of_patients(patients), CODES, ("_sort", "-date"), count=20)
    readings = pressures(found)
    if not readings:
        return None, None
    last = readings[0]
    today = work.clock().astimezone(ZONE).date()
    visit = Visit(last.at.astimezone(ZONE).date(), last.systolic, last.diastolic)
    return last, assess(visit, _age(patient, today), (), rules_on(today))


async def _open_task(reader: Reader, patients: tuple[str, ...]) -> Stored | None:
    rows = await reader.rows("Task", of_patients(patients), ("code", f"{follow_up.TASK}|{CODE}"), OPEN)
    return rows[0] if rows else None


def _age(patient: Json, today: date) -> int:
    born = day(patient.get("birthDate"))
    return age_on(born, today) if born else 0
