"""
What a family doctor and the exchange do about hypertension: enrol, take in new readings, record, end.

Specification: region-1251 section 3, PHC-03.
"""

from __future__ import annotations

from datetime import date, datetime, time

from hie.applications import organizations
from hie.applications.fhir import ZONE, code_in, day, facility_of, patient_of
from hie.applications.primary_care import follow_up, visit
from hie.applications.primary_care.blood_pressure import CODES, Pressure, pressures
from hie.applications.primary_care.follow_up import CODED, OPEN, OPEN_STATES, SOURCE, Mark, merge_reasons
from hie.applications.primary_care.form import Form
from hie.applications.primary_care.rules import Assessment, Visit, age_on, assess
from hie.applications.rule_data import Rules, rule_book
from hie.applications.work import Reader, Work, change, create, of_patients
from hie.errors import Unprocessable
from records.errors import Conflict, NotFound
from records.stored import Json, Stored
from terminology.service import Terminology

HYPERTENSION = "urn:hie:valueset:hypertension"
ENDED = frozenset({"inactive", "remission", "resolved"})
DENIED = frozenset({"refuted", "entered-in-error", "unconfirmed", "provisional", "differential"})


def rules_on(today: date) -> Rules:
    """The rule set in force."""
    return rule_book("primary_care", "hypertension").at(today)


def is_hypertension(condition: Json, words: Terminology) -> bool:
    """An active, confirmed diagnosis of hypertension."""
    clinical = {row.get("code") for row in condition.get("clinicalStatus", {}).get("coding", ())}
    verified = {row.get("code") for row in condition.get("verificationStatus", {}).get("coding", ())}
    return not (clinical & ENDED or verified & DENIED) and names_hypertension(condition, words)


def names_hypertension(condition: Json, words: Terminology) -> bool:
    """A Condition whose code is hypertension, whatever became of it."""
    found = condition.get("code", {}).get("coding", ())
    return any(words.member(HYPERTENSION, row.get("system", ""), row.get("code", "")) for row in found)


async def enrol(work: Work, patient: str) -> Stored | None:
    """Open the first follow-up of a person with hypertension; None where one is open, was ended, or nobody lives."""
    reader, patients = Reader(work.store), await work.patients(patient)
    earlier = await reader.all("Task", of_patients(patients), CODED)
    records = await _records(reader, patients)
    if any(_keeps_out(task) for task in earlier) or any(is_deceased(record) for record in records.values()):
        return None
    last, found = await _judge_latest(work, reader, patients, records)
    now = work.clock()
    due = found.next_visit if found else now.astimezone(ZONE).date()
    mark = Mark(last, found.code, found.reasons) if found else Mark()
    # A person is enrolled again only after a diagnosis was taken back: the count makes that Task another one.
    key = (await work.person(patient), f"enrolment-{len(earlier)}" if earlier else "enrolment")
    home = await _home(reader, records, patient)
    return (await work.file([create(follow_up.follow_up_task(key, patient, home, due, now, mark))], SOURCE))[0]


async def take_in(work: Work, patient: str) -> Stored | None:
    """Show a newer reading on the open follow-up, and bring the visit forward where it is dangerous."""
    reader, patients = Reader(work.store), await work.patients(patient)
    row = await _open_task(reader, patients)
    if row is None:
        return None
    task = row.resource()
    last, found = await _judge_latest(work, reader, patients, await _records(reader, patients))
    if last is None or found is None:
        return None
    due = follow_up.due_from(task)
    # A reading alone ends neither an adverse reaction nor a complication.
    code = due.code if due.code in ("3", "4") else found.code
    mark = Mark(last, code, merge_reasons(due.reasons, found.reasons))
    when = min(due.due, found.next_visit) if found.danger else due.due
    fresh = follow_up.moved(task, when, work.clock(), mark)
    if all(fresh.get(name) == task.get(name) for name in ("input", "businessStatus", "restriction", "priority")):
        return None
    return (await work.file([change(row, fresh)], SOURCE))[0]


async def end(work: Work, patient: str, reason: str) -> Stored | None:
    """Stop the open follow-up of a person who died, or of whom the diagnosis was taken back."""
    row = await _open_task(Reader(work.store), await work.patients(patient))
    if row is None:
        return None
    return (await work.file([change(row, follow_up.ended(row.resource(), reason, work.clock()))], SOURCE))[0]


async def has_hypertension(work: Work, patient: str) -> bool:
    """Whether any source still says so."""
    conditions = await Reader(work.store).all("Condition", of_patients(await work.patients(patient)))
    return any(is_hypertension(condition, work.terminology) for condition in conditions)


async def record(
    work: Work, reader: Reader, task_id: str, form: Form, *, version: int, author: Json, facility: str = ""
) -> Assessment:
    """
    File one follow-up: contact, measurements, form, the finished task, the next one, a referral where one is due.

    `version` is the Task's as the doctor saw it; Conflict where it changed since. `facility` is where it was done.
    """
    row = await reader.read("Task", task_id)
    task, now = row.resource(), work.clock()
    _check(row, task, version)
    found = await _judge_form(reader, task, form, await work.patients(patient_of(task)))
    home = task.get("owner", {}).get("reference", "")
    place = facility or home
    at = min(datetime.combine(form.day, time(12), ZONE), now)
    measured = visit.measurements(task, form, at, place)
    mark = Mark(pressures(measured[:1])[0], found.code, found.reasons)
    key = (await work.person(patient_of(task)), task_id)
    upcoming = follow_up.follow_up_task(key, patient_of(task), home, found.next_visit, now, mark)
    response = visit.answers(task, form, found, author, now)
    made = [visit.encounter(task, form, place), *measured, response, upcoming]
    if found.refer:
        made.append(visit.referral_proposal(task, found, home, now))
    done = change(row, follow_up.finished(task, form.day, found.code, response, now))
    await work.file([done, *map(create, made)], SOURCE)
    return found


def is_deceased(patient: Json) -> bool:
    """Whether a source says that the person died."""
    return bool(patient.get("deceasedDateTime") or patient.get("deceasedBoolean"))


def _check(row: Stored, task: Json, version: int) -> None:
    if code_in(task.get("code"), "urn:hie:task") != follow_up.CODE:
        raise NotFound("There is no such follow-up.")
    if task["status"] not in OPEN_STATES:
        raise Unprocessable("This follow-up is no longer open.")
    if row.version != version:
        raise Conflict("The follow-up was changed in the meantime.")


def _keeps_out(task: Json) -> bool:
    taken_back = code_in(task.get("statusReason"), follow_up.ENDED) == follow_up.NO_DIAGNOSIS
    return not (task["status"] == "cancelled" and taken_back) and task["status"] != "completed"


async def _judge_form(reader: Reader, task: Json, form: Form, patients: tuple[str, ...]) -> Assessment:
    person = (await reader.read("Patient", patient_of(task))).resource()
    done = visit.records(await reader.all("QuestionnaireResponse", of_patients(patients), visit.ANSWERED))
    found = Visit(form.day, form.systolic, form.diastolic, form.symptoms, form.adverse_reaction, form.complication)
    return assess(found, _age(person, form.day), visit.classes_before(done, form.day), rules_on(form.day))


async def _judge_latest(
    work: Work, reader: Reader, patients: tuple[str, ...], records: dict[str, Json]
) -> tuple[Pressure | None, Assessment | None]:
    today = work.clock().astimezone(ZONE).date()
    found = await reader.first("Observation", of_patients(patients), CODES, ("_sort", "-date"), count=20)
    readings = pressures(found)
    if not readings:
        return None, None
    last = readings[0]
    measured = last.at.astimezone(ZONE).date()
    seen = Visit(measured, last.systolic, last.diastolic)
    age = max((_age(record, today) for record in records.values()), default=0)
    return last, assess(seen, age, (), rules_on(measured))


async def _open_task(reader: Reader, patients: tuple[str, ...]) -> Stored | None:
    rows = await reader.rows("Task", of_patients(patients), CODED, OPEN)
    return rows[0] if rows else None


async def _records(reader: Reader, patients: tuple[str, ...]) -> dict[str, Json]:
    return dict(await reader.named("Patient", patients))


async def _home(reader: Reader, records: dict[str, Json], patient: str) -> str:
    """Who follows up: the grass-roots institution that knows the person, else whoever sent the diagnosis."""
    known = [facility for record in records.values() if (facility := facility_of(record))]
    directory = await reader.named("Organization", [one.partition("/")[2] for one in known])
    primary = [one for one in known if organizations.is_primary(directory.get(one.partition("/")[2], {}))]
    return primary[0] if primary else facility_of(records.get(patient, {}))


def _age(patient: Json, today: date) -> int:
    born = day(patient.get("birthDate"))
    return age_on(born, today) if born else 0


