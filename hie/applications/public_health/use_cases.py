"""
What the exchange and the public-health physician do with a report card: draft, join, take note, save, decide.

Specification: region-1251 section 6, PUB-02 and PUB-03.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hie.applications.fhir import ZONE, code_in, facility_of, moment, patient_of, reference_id, task_input
from hie.applications.public_health import card, fields
from hie.applications.public_health.card import CODED, PLATFORM, SOURCE, Card, card_from
from hie.applications.public_health.prefill import Known, districts, prefilled
from hie.applications.public_health.recognition import Suspicion, recognise
from hie.applications.public_health.rules import (
    Action,
    Disease,
    card_rules_on,
    diseases_on,
    is_duplicate,
    is_fresh,
    limit,
    rules_on,
    step,
    triggers_on,
)
from hie.applications.work import Reader, Work, change, create, of_patients
from hie.errors import Unprocessable
from records.errors import Conflict, NotFound
from records.stored import Json, Stored, Write
from terminology.service import NOTIFIABLE

WITHDRAWN = "source-withdrawn"


@dataclass(frozen=True, slots=True)
class Opened:
    """A card with everything that a step needs."""

    row: Stored
    task: Json
    card: Card
    disease: Disease
    response: Stored
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a form: saved or reported, or what is wrong by field."""

    values: Mapping[str, str]
    errors: Mapping[str, str]

    @property
    def done(self) -> bool:
        return not self.errors


# What events ask for


async def draft(work: Work, row: Stored) -> Stored | None:
    """
    Draft a card from a diagnosis or a result, or join it to the card of the same illness; None where nothing follows.

    A repeated event finds its evidence on a card and changes nothing; of two at once the later one is a Conflict.
    """
    resource, now = row.resource(), work.clock()
    day = now.astimezone(ZONE).date()
    suspicion = recognise(resource, min(row.updated, now), diseases_on(day, work.terminology), triggers_on(day))
    patient = patient_of(resource)
    if suspicion is None or not patient or not is_fresh(suspicion.diagnosed, now, rules_on(day)):
        return None
    patients = await work.patients(patient)
    earlier = await _cards(work, patients, suspicion.disease)
    if any(row.reference in known.evidence for _, known in earlier):
        return None
    same = [pair for pair in earlier if _is_same(pair[1], suspicion)]
    if same:
        return await _join(work, *same[-1], suspicion, row.reference)
    return await _draft(work, resource, patients, suspicion, len(earlier))


async def withdraw_changed(work: Work, row: Stored) -> Stored | None:
    """The same for a finding that reports nothing any more."""
    day = work.clock().astimezone(ZONE).date()
    still = recognise(row.resource(), row.updated, diseases_on(day, work.terminology), triggers_on(day))
    return None if still else await withdraw(work, row.reference)


async def withdraw(work: Work, reference: str) -> Stored | None:
    """Mark a card whose diagnosis was taken back: a person decides about it; None where there is none, or it knows."""
    rows = await Reader(work.store).rows("Task", CODED, ("focus", reference))
    waiting = [(row, found) for row in rows if (found := card_from(row.resource())).is_open]
    if not waiting or waiting[0][1].source_withdrawn:
        return None
    row, now = waiting[0][0], work.clock()
    task = card.with_input(row.resource(), now, task_input(WITHDRAWN, valueBoolean=True))
    trail = card.trail(task, "withdrawn", PLATFORM, now, number=row.version + 1, sources=(reference,))
    return (await work.file([change(row, task), create(trail)], SOURCE))[0]


def _is_same(known: Card, suspicion: Suspicion) -> bool:
    return known.state != "dismissed" and is_duplicate(suspicion.disease, known.diagnosed, suspicion.diagnosed)


async def _join(work: Work, row: Stored, known: Card, suspicion: Suspicion, evidence: str) -> Stored:
    """Another finding of the same illness: kept on the card; an earlier diagnosis brings the limit forward."""
    now = work.clock()
    task = card.with_input(row.resource(), now, task_input("evidence", valueReference={"reference": evidence}))
    if known.is_open and known.reported is None and suspicion.diagnosed < known.diagnosed:
        rules = rules_on(suspicion.diagnosed.astimezone(ZONE).date())
        task = card.with_diagnosed(task, suspicion.diagnosed, suspicion.diagnosed + limit(suspicion.disease, rules))
    trail = card.trail(task, "joined", PLATFORM, now, number=row.version + 1, sources=(evidence,))
    return (await work.file([change(row, task), create(trail)], SOURCE))[0]


async def _draft(
    work: Work, resource: Json, patients: Sequence[str], suspicion: Suspicion, earlier: int
) -> Stored:  # fmt: skip
    known, facility = await _known(work, resource, patients)
    rules = rules_on(suspicion.diagnosed.astimezone(ZONE).date())
    values = prefilled(known, suspicion, work.terminology)
    draft = card.Draft(
        key=(await work.person(patient_of(resource)), str(earlier + 1)),
        patient=patient_of(resource),
        suspicion=suspicion,
        evidence=f"{resource['resourceType']}/{resource['id']}",
        facility=facility,
        district=values["district"],
        due=suspicion.diagnosed + limit(suspicion.disease, rules),
        rules=rules,
        values=values,
        answers=fields.items(values, card_rules_on(suspicion.diagnosed.astimezone(ZONE).date())),
    )
    writes = [create(one) for one in card.made(draft, work.clock())]
    return (await work.file(writes, SOURCE))[0]


async def _known(work: Work, resource: Json, patients: Sequence[str]) -> tuple[Known, str]:
    reader, own = Reader(work.store), patient_of(resource)
    people = await reader.named("Patient", [own, *patients])
    visit_id = reference_id(resource.get("encounter"), "Encounter")
    visit = (await reader.named("Encounter", [visit_id])).get(visit_id, {})
    facility = next(filter(None, map(facility_of, (resource, visit, people.get(own, {})))), "")
    place_id = reference_id(facility, "Organization")
    place = (await reader.named("Organization", [place_id])).get(place_id, {})
    ordered = [people[one] for one in dict.fromkeys([own, *patients]) if one in people]
    return Known(resource, ordered, visit, place), facility


async def _cards(work: Work, patients: Sequence[str], disease: Disease) -> list[tuple[Stored, Card]]:
    """The cards of a person for a disease, oldest first."""
    coded = ("code", f"{NOTIFIABLE}|{disease.code}")
    rows = await Reader(work.store).rows("Task", of_patients(patients), CODED, coded)
    return sorted(((row, card_from(row.resource())) for row in rows), key=lambda pair: pair[1].diagnosed)


# What the physician does


async def open_card(work: Work, reader: Reader, task_id: str) -> Opened:
    """A card as the reader may see it; NotFound where there is none."""
    row = await reader.read("Task", task_id)
    task = row.resource()
    if code_in(task.get("code"), CODED[1].partition("|")[0]) != card.CODE:
        raise NotFound("There is no such report card.")
    found = card_from(task)
    response = await reader.read("QuestionnaireResponse", found.response)
    return Opened(row, task, found, _disease(work, found), response, fields.values_of(response.resource()))


async def save(
    work: Work, opened: Opened, form: Mapping[str, str], *, version: int, author: Json, report: bool
) -> Outcome:
    """Keep the fields, and report the card where that was asked; Conflict where somebody changed it in between."""
    _check(opened, version)
    values = fields.read(form, opened.values)
    errors = _errors(work, opened, values, report=report)
    if errors:
        return Outcome(values, errors)
    now = work.clock()
    state = step(opened.card.state, "report") if report else opened.card.state
    task = _refreshed(opened, values, now)
    task = card.moved(task, state, now) if report else task
    await _file(work, opened, task, values, "reported" if report else "saved", author, now)
    return Outcome(values, {})


async def decide(
    work: Work, opened: Opened, action: Action, reason: str, *, version: int, author: Json
) -> Card:
    """Return, dismiss or take up a card again, with a reason; Unprocessable where its state does not allow it."""
    _check(opened, version, open_only=False)
    if action == "report":
        raise Unprocessable("A card is reported with its fields.")
    now = work.clock()
    task = card.moved(opened.task, step(opened.card.state, action, reason), now, reason=reason.strip())
    named = {"return": "returned", "dismiss": "dismissed", "reopen": "reopened"}[action]
    trail = card.trail(task, named, author, now, number=opened.row.version + 1, reason=reason.strip())
    await work.file([change(opened.row, task), create(trail)], SOURCE)
    return card_from(task)


def _check(opened: Opened, version: int, *, open_only: bool = True) -> None:
    if opened.row.version != version:
        raise Conflict("The card was changed in the meantime.")
    if open_only and not opened.card.is_open:
        raise Unprocessable("This card is not open.")


def _errors(work: Work, opened: Opened, values: Mapping[str, str], *, report: bool) -> dict[str, str]:
    now = work.clock()
    rules, places = card_rules_on(opened.card.diagnosed.date()), [code for code, _ in districts(work.terminology)]
    if report:
        return fields.report_errors(values, opened.disease, now, rules, places)
    return fields.form_errors(values, rules, places)


def _refreshed(opened: Opened, values: Mapping[str, str], now: datetime) -> Json:
    """The Task after its fields: district, class of the case, and the limit where the diagnosis is another moment."""
    task = card.with_district(card.with_input(opened.task, now), values["district"])
    if values["case_class"]:
        task = card.replace_input(task, "case-class", valueString=values["case_class"])
    diagnosed = moment(values["diagnosed"])
    if diagnosed and diagnosed.astimezone(ZONE).replace(second=0) != opened.card.diagnosed.replace(second=0):
        rules = rules_on(diagnosed.astimezone(ZONE).date())
        task = card.with_diagnosed(task, diagnosed, diagnosed + limit(opened.disease, rules))
    return task


async def _file(
    work: Work, opened: Opened, task: Json, values: Mapping[str, str], named: str, author: Json, now: datetime
) -> None:
    again = opened.card.reported is not None
    status = ("amended" if again else "completed") if named == "reported" else "in-progress"
    values = {**values, "kind": "2" if again else "1"}
    answers = fields.items(values, card_rules_on(opened.card.diagnosed.date()))
    response = card.answered(opened.response.resource(), answers, status, author, now)
    trail = card.trail(task, named, author, now, number=opened.row.version + 1)
    writes: list[Write] = [change(opened.row, task), change(opened.response, response), create(trail)]
    await work.file(writes, SOURCE)


def _disease(work: Work, found: Card) -> Disease:
    """The disease as the list in force at its diagnosis has it; by the card alone where that list dropped it."""
    listed = diseases_on(found.diagnosed.date(), work.terminology)
    known = next((one for one in listed if one.code == found.disease), None)
    return known or Disease(found.disease, found.disease_name, "乙", found.urgent, (), 0)
