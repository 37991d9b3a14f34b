"""
transaction: every entry or none, in one database transaction that also reads what it decides by.

Order of work: DELETE, POST, PUT and PATCH, then the reads, which see what the writes made. Another writer who comes
between makes all of it begin again, so that conditions hold when it is committed.
https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec

from hie.fhir.bundles import join
from hie.fhir.call import Answer, Call
from hie.fhir.conditions import in_one, matches
from hie.fhir.entries import perform, response_entry
from hie.fhir.interactions.settling import settled
from hie.fhir.outcome import informational
from hie.fhir.planning import Plan, Planner, refuse_overlaps
from hie.fhir.representation import location
from hie.fhir.submission import Entry, Submission
from hie.fhir.targets import Target, keys_of, located, read_target
from hie.fhir.writing import file_all
from records.documents import instant
from records.errors import Invalid
from records.stored import Stored, Write, encode

ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2}
# These read within the transaction; the others would show what was there before it.
WITHIN = frozenset({"$meta", "$validate", "$expand", "$lookup", "$validate-code", "$subsumes", "$translate"})


@dataclass(frozen=True, slots=True)
class Done:
    """An entry and what came of it."""

    entry: Entry
    rows: tuple[Stored, ...] = ()
    status: int = 200
    answer: Answer | None = None


async def run_transaction(call: Call, submission: Submission) -> Answer:
    """Plan, rewrite references, validate everything, write, read; answer in the order of the entries."""
    writing = [entry for entry in submission.entries if is_write(entry)]
    targets = []
    for entry in sorted(writing, key=lambda one: ORDER[one.method]):
        with located(entry):
            targets.append(read_target(call, entry))
    reading = [entry for entry in submission.entries if not is_write(entry)]
    for entry in reading:
        with located(entry):
            _refuse_outside(entry)
    for kind in sorted({target.type for target in targets}):
        # Made inside, a new collection would make all of it begin again.
        await call.services.store.collections.prepare(kind)
    done = await in_one(call, lambda inner: _carry_out(inner, targets, reading))
    done.sort(key=lambda one: one.entry.number)
    touched = tuple(row for one in done for row in one.rows)
    body = join("transaction-response", [], None, (_entry(call, one) for one in done), call.services.clock())
    return Answer(200, body, {}, touched, interaction="transaction")


def is_write(entry: Entry) -> bool:
    """Whether an entry changes something; a search by POST does not."""
    return entry.method in ORDER and not (entry.method == "POST" and entry.url.partition("?")[0].endswith("/_search"))


def _refuse_outside(entry: Entry) -> None:
    operation = entry.url.partition("?")[0].rpartition("/")[2]
    if operation.startswith("$") and operation not in WITHIN:
        raise Invalid("This operation does not see what is written here: send it alone or in a batch.", status=400)


async def _carry_out(call: Call, targets: Sequence[Target], reading: Sequence[Entry]) -> list[Done]:
    assert call.session is not None
    await call.services.store.reserve(keys_of(targets), session=call.session)
    deleting = [target for target in targets if target.entry.method == "DELETE"]
    planner = Planner(call)
    removed = await planner.removals(deleting)
    refuse_overlaps(removed)
    # Gone before anything is looked for: what is created anew in their place is not met by its condition.
    gone = iter(await file_all(call, [_deletion(plan) for plan in removed if plan.interaction]))
    done = [Done(plan.entry, (next(gone),) if plan.interaction else (), 204) for plan in removed]
    plans = await planner.plans([target for target in targets if target.entry.method != "DELETE"])
    refuse_overlaps([*removed, *plans])
    rows = await settled(call, plans)
    await _still_met(call, plans)
    done = [*_merged(done), *(_written(plan, rows) for plan in plans)]
    return [*done, *[await _read(call, entry) for entry in reading]]


def _deletion(plan: Plan) -> Write:
    return Write("delete", plan.type, plan.id, if_version=plan.if_version)


def _merged(done: Iterable[Done]) -> Iterable[Done]:
    """One answer an entry: a delete by condition may have taken several resources away."""
    found: dict[int, Done] = {}
    for one in done:
        before = found.get(one.entry.number)
        found[one.entry.number] = replace(one, rows=(*before.rows, *one.rows)) if before else one
    return found.values()


def _written(plan: Plan, rows: dict[str, Stored]) -> Done:
    row = rows.get(plan.reference) or plan.existing
    assert row is not None
    created = plan.interaction is not None and row.created
    return Done(plan.entry, (row,), 201 if created else 200)


async def _still_met(call: Call, plans: Sequence[Plan]) -> None:
    """An update by condition comes after the creations: where they meet it too, both would change one resource."""
    made = {plan.type for plan in plans if plan.entry.method == "POST" and plan.interaction}
    for plan in plans:
        if plan.target.condition and plan.entry.method != "POST" and plan.type in made:
            found = await matches(call, plan.type, plan.target.condition, plan.visibility)
            if any(row.id != plan.id for row in found):
                with located(plan.entry):
                    raise Invalid("The condition is met by what another entry creates, too.", status=400)


async def _read(call: Call, entry: Entry) -> Done:
    with located(entry):
        answer = await perform(call, entry)
    return Done(entry, answer.rows, answer.status, answer)


def _entry(call: Call, done: Done) -> bytes:
    if done.answer is not None:
        return response_entry(done.answer, head=done.entry.method == "HEAD")
    response: dict[str, object] = {"status": str(done.status)}
    if len(done.rows) == 1:
        (row,) = done.rows
        place = {} if row.deleted else {"location": location(call, row)}
        response |= place | {"etag": row.etag, "lastModified": instant(row.updated)}
    return _preferred(call, done, encode(response))


def _preferred(call: Call, done: Done, response: bytes) -> bytes:
    """With the resource or an outcome where the client wants it; by itself an entry says only what became of it."""
    wish = call.prefers("return")
    if wish == "representation" and done.status != 204:
        name = msgspec.json.encode(f"{call.base}/{done.rows[0].reference}")
        return b'{"fullUrl":' + name + b',"resource":' + done.rows[0].text + b',"response":' + response + b"}"
    if wish == "operationoutcome" or len(done.rows) > 1:
        text = f"{len(done.rows)} resources were deleted." if done.status == 204 else "The resource is stored."
        return b'{"response":' + response[:-1] + b',"outcome":' + informational(text) + b"}}"
    return b'{"response":' + response + b"}"
