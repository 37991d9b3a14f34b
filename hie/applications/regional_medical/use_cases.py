"""
What referring and receiving institutions do with a referral, and what the clock does: one transaction a step.

Specification: region-1251 section 4, REG-01.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime

from hie.applications.fhir import ZONE, code_in, followed, instant, patient_of, reference_id
from hie.applications.regional_medical import referral as fhir
from hie.applications.regional_medical import rules
from hie.applications.regional_medical.referral import Application, Referral
from hie.applications.regional_medical.rules import EDITABLE, Party, State, Transition
from hie.applications.rule_data import Rules, rule_book
from hie.applications.work import Reader, Work, change, create
from hie.errors import Unprocessable
from records.errors import Conflict, Gone, NotFound
from records.stored import Json, Stored, Write

CLOCK: dict[str, object] = {"type": "Device", "display": "区域平台"}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: references of the own institutions, and the person as FHIR names one."""

    own: frozenset[str]
    author: Json

    @property
    def organization(self) -> str:
        """The institution that stands on papers."""
        return min(self.own, default="")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A referral with the rows it was read from."""

    task: Stored
    request: Stored
    referral: Referral


@dataclass(frozen=True, slots=True)
class Step:
    """A step with what is needed to write it down."""

    action: str
    parties: Collection[Party]
    author: Json
    organization: str
    now: datetime
    text: str = ""


def rules_on(day: date) -> Rules:
    """The rule set in force."""
    return rule_book("regional_medical", "referral").at(day)


async def load(reader: Reader, referral_id: str) -> Loaded:
    """A referral by the id of its Task; NotFound where it is another Task."""
    task = await reader.read("Task", referral_id)
    resource = task.resource()
    if code_in(resource.get("code"), "urn:hie:task") != fhir.CODE:
        raise NotFound("There is no such referral.")
    request = await reader.read("ServiceRequest", reference_id(resource["focus"], "ServiceRequest"))
    return Loaded(task, request, fhir.read(resource, request.resource()))


async def begin(
    work: Work, key: str, patient: str, application: Application, actor: Actor, *, submit: bool
) -> str:  # fmt: skip
    """
    Write a new referral as a draft, or submit it at once; returns its id.

    `key` comes from the page: a form that is sent twice is one referral (Conflict the second time).
    """
    if not actor.own:
        raise Unprocessable("An institution of the directory is needed to refer.")
    now = work.clock()
    request, task = fhir.drafted((key,), patient, actor.organization, application, now)
    task, made = _noted(task, _step("draft", actor, frozenset({"referring"}), now))
    writes = [*made]
    if submit:
        task, request, more = _advanced(task, request, _step("submit", actor, frozenset({"referring"}), now))
        writes += more
    await work.file([create(request), create(task), *writes], fhir.SOURCE)
    return str(task["id"])


async def revise(
    work: Work, reader: Reader, referral_id: str, application: Application, actor: Actor, *, version: int, submit: bool
) -> None:  # fmt: skip
    """Rewrite a draft or one that was returned; taking up a proposal makes the own institution its sender."""
    found = await load(reader, referral_id)
    _check(found, version)
    parties = found.referral.parties(actor.own)
    if found.referral.state not in EDITABLE or "referring" not in parties:
        raise Unprocessable("This referral cannot be rewritten here.")
    now, sender = work.clock(), found.referral.sender or actor.organization
    request, task = fhir.written(found.request.resource(), found.task.resource(), sender, application, now)
    writes: list[Write] = []
    if submit:
        task, request, writes = _advanced(task, request, _step("submit", actor, parties, now))
        writes += await _settle_proposal(work, found.referral, "completed")
    await work.file([*_changes(found, task, request), *writes], fhir.SOURCE)


async def advance(
    work: Work, reader: Reader, referral_id: str, action: str, actor: Actor, *, version: int, text: str = ""
) -> State:  # fmt: skip
    """Take one step of the table; `text` is a reason, a time to come, a discharge summary or a follow-up note."""
    found = await load(reader, referral_id)
    _check(found, version)
    parties = found.referral.parties(actor.own)
    return await _write(work, found, replace(_step(action, actor, parties, work.clock()), text=text.strip()))


async def expire(work: Work) -> int:
    """The clock's step: accepted referrals whose patients never came. Returns how many; repeats change nothing."""
    reader, now, count = Reader(work.store), work.clock(), 0
    late = ("business-status", f"{fhir.STATE}|accepted"), ("period", f"lt{instant(now)}")
    for row in await reader.rows("Task", fhir.CODED, *late):
        found = await load(reader, row.id)
        if not rules.is_expired(found.referral.state, found.referral.deadline, now):
            continue
        try:
            await _write(work, found, Step("expire", frozenset({"clock"}), dict(CLOCK), "", now))
            count += 1
        except Conflict:
            continue  # somebody acted this moment: theirs stands
    return count


async def take_up(work: Work, proposal: Json) -> Stored | None:
    """Show a proposal to refer as a draft of the institution it came from; None where it was taken up before."""
    key = ("proposal", proposal["id"])
    try:
        await work.store.read("Task", fhir.task_id(key))
        return None
    except NotFound:
        pass
    except Gone:
        return None
    draft = fhir.application_from(proposal)
    sender = proposal.get("requester", {}).get("reference", "")
    sender = sender if reference_id(sender, "Organization") else ""
    now = work.clock()
    request, task = fhir.drafted(key, patient_of(proposal), sender, draft, now, proposal=proposal["id"])
    task, made = _noted(task, Step("propose", frozenset(), dict(CLOCK), sender, now, draft.reason))
    return (await work.file([create(task), create(request), *made], fhir.SOURCE))[0]


def _changes(found: Loaded, task: Json, request: Json) -> list[Write]:
    """Both resources, or the Task alone where the ServiceRequest says the same as before."""
    same = request == followed(found.request.resource())
    return [change(found.task, task)] if same else [change(found.task, task), change(found.request, request)]


async def _write(work: Work, found: Loaded, step: Step) -> State:
    task, request, writes = _advanced(found.task.resource(), found.request.resource(), step)
    if step.action == "submit" or step.action == "cancel":
        status = "completed" if step.action == "submit" else "revoked"
        writes += await _settle_proposal(work, found.referral, status)
    if step.action == "close":
        writes += await _settle_discharge(work, found.referral, step)
    await work.file([*_changes(found, task, request), *writes], fhir.SOURCE)
    return fhir.state_of(task)


def _advanced(task: Json, request: Json, step: Step) -> tuple[Json, Json, list[Write]]:
    """Task and ServiceRequest after a step, and what else it creates. Pure."""
    referral = fhir.read(task, request)
    row = rules.step(referral.state, step.action, step.parties, step.text, referral.application.direction)
    if row.action == "submit":
        _check_complete(referral)
    deadline = rules.due(row.target, step.now, referral.application.priority, _rules_at(step.now))
    task = _remembered(task, referral, row, step, deadline)
    task, writes = _noted(fhir.stood(task, row.target, step.now, deadline, _reason(row, step)), step)
    if row.target == "down-proposed" and deadline:
        writes.append(create(fhir.discharge_task(referral, deadline, step.text, step.now)))
    return task, fhir.request_in(request, row.target), writes


def _remembered(task: Json, referral: Referral, row: Transition, step: Step, deadline: datetime | None) -> Json:
    """What later readers need of a step: figures ask for the answer and its limit, pages for slot and summary."""
    if row.action == "submit" and deadline:
        task = fhir.with_input(task, "submitted", valueDateTime=instant(step.now))
        return fhir.with_input(task, "answer-due", valueDateTime=instant(deadline))
    if referral.state == "submitted" and row.by == "receiving":
        task = fhir.with_input(task, "answered", valueDateTime=instant(step.now))
    if row.action == "accept" and step.text:
        return fhir.with_input(task, "slot", valueString=step.text)
    return fhir.with_input(task, "summary", valueString=step.text) if row.action in ("propose-down", "finish") else task


def _reason(row: Transition, step: Step) -> str:
    return step.text if row.target in ("returned", "refused", "cancelled") else ""


def _noted(task: Json, step: Step) -> tuple[Json, list[Write]]:
    """The Task with one more entry of its history, and that entry."""
    earlier = task.get("relevantHistory", [])
    entry = fhir.provenance(task, len(earlier), step.action, step.author, step.organization, step.now, step.text)
    history = [*earlier, {"reference": f"Provenance/{entry['id']}"}]
    return followed(task, relevantHistory=history), [create(entry)]


def _check(found: Loaded, version: int) -> None:
    if found.task.version != version:
        raise Conflict("The referral was changed in the meantime.")


def _check_complete(referral: Referral) -> None:
    if missing := referral.application.missing():
        raise Unprocessable("The referral is not complete.", expression=missing[0])
    if referral.application.receiver == referral.sender:
        raise Unprocessable("A referral goes to another institution.", expression="receiver")


async def _settle_proposal(work: Work, referral: Referral, status: str) -> list[Write]:
    """The advice that a referral came from is answered with it."""
    if not referral.proposal:
        return []
    try:
        row = await work.store.read("ServiceRequest", referral.proposal)
    except (NotFound, Gone):
        return []
    return [change(row, followed(row.resource(), status=status))]


async def _settle_discharge(work: Work, referral: Referral, step: Step) -> list[Write]:
    """Whoever took the patient back has done the follow-up."""
    try:
        row = await work.store.read("Task", fhir.discharge_id(referral.id))
    except (NotFound, Gone):
        return []
    output = {"type": {"text": "随访情况"}, "valueString": step.text}
    at = instant(step.now)
    done = followed(
        row.resource(), status="completed", output=[output], executionPeriod={"start": at, "end": at}, lastModified=at
    )
    return [change(row, done)]


def _step(action: str, actor: Actor, parties: Collection[Party], now: datetime) -> Step:
    return Step(action, parties, actor.author, actor.organization, now)


def _rules_at(now: datetime) -> Rules:
    return rules_on(now.astimezone(ZONE).date())
