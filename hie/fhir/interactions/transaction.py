"""
transaction: every entry or none, in one database transaction.

Order of work: DELETE, POST, PUT, then the reads, which see what the writes made.
https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hie.fhir.bundles import join
from hie.fhir.call import Answer, Call
from hie.fhir.entries import response_entry, run_entry
from hie.fhir.planning import Plan, plan_entry, same_conditions
from hie.fhir.references import resolve_conditional, rewrite
from hie.fhir.representation import headers_of, location
from hie.fhir.submission import Entry, Submission
from hie.fhir.writing import file_all, permit
from records import validation
from records.errors import Conflict, Invalid, Issue
from records.stored import Stored, Write, encode

ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 3}
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Done:
    """An entry and what came of it."""

    entry: Entry
    status: int
    row: Stored | None = None
    answer: Answer | None = None


async def run_transaction(call: Call, submission: Submission) -> Answer:
    """Plan, rewrite references, validate everything, write at once, read, answer in the order of the entries."""
    plans, rows = await _carry_out(call, submission)
    written = {row.reference: row for row in rows.values()}
    done = [Done(plan.entry, _status(plan), written.get(plan.target) or plan.existing) for plan in plans]
    done += [await _read(call, entry) for entry in submission.entries if entry.method not in ORDER]
    done.sort(key=lambda one: one.entry.number)
    touched = tuple(row for one in done for row in _rows(one))
    body = join("transaction-response", [], None, (_entry(call, one) for one in done), call.services.clock())
    return Answer(200, body, {}, touched, interaction="transaction")


async def _carry_out(call: Call, submission: Submission) -> tuple[list[Plan], dict[int, Stored]]:
    """Plan and write; once more from the start where another client met one of the conditions meanwhile."""
    for attempt in range(1, ATTEMPTS + 1):
        plans = same_conditions(
            [await plan_entry(call, entry) for entry in submission.entries if entry.method in ORDER]
        )
        _refuse_overlaps(plans)
        try:
            return plans, await _file(call, await _writes(call, plans))
        except Conflict:
            if attempt == ATTEMPTS or not any(plan.unless_exists for plan in plans):
                raise
    raise AssertionError("the last attempt returns or raises")


def _refuse_overlaps(plans: Iterable[Plan]) -> None:
    seen: dict[str, int] = {}
    for plan in plans:
        if plan.entry.method == "POST":
            continue
        if plan.target in seen:
            raise Invalid(
                f"Entries {seen[plan.target]} and {plan.entry.number} of the transaction change the same resource.",
                status=400,
            )
        seen[plan.target] = plan.entry.number


async def _writes(call: Call, plans: Iterable[Plan]) -> list[tuple[Plan, Write]]:
    known = {name: plan.target for plan in plans for name in plan.names}
    conditional: dict[str, str] = {}
    writes = []
    for plan in sorted(plans, key=lambda one: ORDER[one.entry.method]):
        if plan.interaction is None:
            continue
        if plan.interaction == "delete":
            writes.append((plan, Write("delete", plan.type, plan.id, if_version=plan.if_version)))
            continue
        text = rewrite(plan.entry.resource, known)
        text = await resolve_conditional(call, text, conditional)
        writes.append((plan, _checked(plan, text)))
        permit(writes[-1][1].resource or {}, plan.visibility)
    return writes


def _checked(plan: Plan, text: bytes) -> Write:
    where = f"Bundle.entry[{plan.entry.number}].resource"
    resource = validation.parse(text)
    if resource.get("resourceType") != plan.type:
        raise Invalid(f"{where} must be a {plan.type}.", status=400)
    if issues := validation.validate(resource):
        raise Invalid(
            "The transaction holds resources that are not valid; nothing was stored.",
            issues=[Issue(f"{where}: {one.expression}", one.text, one.code, one.severity) for one in issues],
        )
    assert plan.interaction is not None
    return Write(
        plan.interaction, plan.type, plan.id, resource, text, if_version=plan.if_version,
        unless_exists=plan.unless_exists,
    )  # fmt: skip


async def _file(call: Call, writes: list[tuple[Plan, Write]]) -> dict[int, Stored]:
    if not writes:
        return {}
    rows = await file_all(call, [write for _, write in writes])
    return {plan.entry.number: row for (plan, _), row in zip(writes, rows, strict=True)}


def _status(plan: Plan) -> int:
    if plan.entry.method == "DELETE":
        return 204
    return 200 if plan.existing is not None or plan.interaction is None else 201


async def _read(call: Call, entry: Entry) -> Done:
    answer = await run_entry(call, entry)
    return Done(entry, answer.status, answer=answer)


def _rows(done: Done) -> tuple[Stored, ...]:
    if done.answer is not None:
        return done.answer.rows
    return (done.row,) if done.row is not None else ()


def _entry(call: Call, done: Done) -> bytes:
    if done.answer is not None:
        return response_entry(done.answer)
    response: dict[str, object] = {"status": str(done.status)}
    if done.row is not None:
        response |= {
            "location": location(call, done.row),
            "etag": headers_of(done.row)["ETag"],
            "lastModified": done.row.updated.isoformat(timespec="milliseconds"),
        }
    return b'{"response":' + encode(response) + b"}"
