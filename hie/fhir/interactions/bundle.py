"""
batch and transaction: `POST [base]` with a Bundle.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

from hie.fhir.bundles import join
from hie.fhir.call import Answer, Call
from hie.fhir.entries import response_entry, run_entry
from hie.fhir.interactions.transaction import run_transaction
from hie.fhir.submission import Submission, read_submission
from records.errors import Invalid, TooCostly


async def bundle(call: Call) -> Answer:
    """A batch answers entry by entry; a transaction happens whole or not at all."""
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
            raise Invalid("The type of a bundle sent to the base is batch or transaction.", status=400)


async def _batch(call: Call, submission: Submission) -> Answer:
    answers = [await run_entry(call, entry) for entry in submission.entries]
    rows = tuple(row for answer in answers for row in answer.rows)
    body = join("batch-response", [], None, map(response_entry, answers), call.services.clock())
    return Answer(200, body, {}, rows, interaction="batch")
