"""
batch and transaction: `POST [base]` with a Bundle; a message goes where messages go.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

from hie.fhir.bundles import join
from hie.fhir.call import Answer, Call
from hie.fhir.entries import response_entry, run_entry
from hie.fhir.interactions.transaction import run_transaction
from hie.fhir.operations.messaging.reading import is_message
from hie.fhir.operations.process_message import process_message
from hie.fhir.submission import Submission, read_submission
from hie.fhir.unasked import form_alone
from records.errors import Invalid, TooCostly


async def bundle(call: Call) -> Answer:
    """A batch answers entry by entry; a transaction happens whole or not at all."""
    if is_message(call.body):
        return await process_message(call)
    form_alone(call)
    submission = read_submission(call.body)
    limit = call.services.settings.fhir_max_entries
    if len(submission.entries) > limit:
        raise TooCostly(f"A bundle may have {limit} entries.")
    match submission.kind:
        case "batch":
            return await _batch(call, submission)
        case "transaction":
            return await run_transaction(call, submission)
        case _:
            raise Invalid("The type of a bundle sent to the base is batch, transaction or message.", status=400)


async def _batch(call: Call, submission: Submission) -> Answer:
    urns = frozenset(entry.full_url.encode() for entry in submission.entries if entry.full_url.startswith("urn:"))
    answers = [await run_entry(call, entry, urns) for entry in submission.entries]
    rows = tuple(row for answer in answers for row in answer.rows)
    entries = (
        response_entry(answer, head=entry.method == "HEAD")
        for answer, entry in zip(answers, submission.entries, strict=True)
    )
    body = join("batch-response", [], None, entries, call.services.clock())
    return Answer(200, body, {}, rows, interaction="batch")
