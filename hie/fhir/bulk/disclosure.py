"""
A file as it leaves: what the decision still lets through, each patient in the trail before the lines go.

https://hl7.org/fhir/uv/bulkdata/export.html#bulk-data-output-file-request
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from hie.audit.events import Entry
from hie.fhir.bulk.job import File, Job
from hie.fhir.bulk.jobs import Chunk, Row
from hie.fhir.call import Call
from records.documents import visible
from records.errors import NotFound
from records.search.key import both
from records.stored import EVERYTHING, Visibility

ENTRIES = 1_000


@dataclass(frozen=True, slots=True)
class Sight:
    """What this caller may see of one type now, and the reasons of the decision."""

    type: str
    visibility: Visibility
    reasons: tuple[str, ...] = ()


async def lines_of(call: Call, job_id: str, name: str) -> AsyncIterator[bytes]:
    """
    The file's lines, piece by piece; NotFound for everybody else's file, Denied where the caller lost access.

    What a consent or a label took away since the file was written is left out.
    """
    job = await call.services.bulk.of(job_id, call.caller)
    file = next((one for one in job.progress.files if one.name == name), None)
    if job.state != "complete" or file is None:
        raise NotFound("There is no such file.")
    sight = await _sight(call, job, file)
    await _record(call, sight, [""])
    told: set[str] = set()
    async for chunk in call.services.bulk.chunks(job, file.name, file.chunks):
        shown = await _shown(call, sight, chunk)
        patients = {one for _, (_, own) in shown for one in own}
        await _record(call, sight, sorted(patients - told))
        told |= patients
        yield b"".join(line + b"\n" for line, _ in shown)


async def _sight(call: Call, job: Job, file: File) -> Sight:
    if file.kind == "error":
        return Sight("", EVERYTHING)
    kind = file.name.partition("-")[0]
    decision = await call.services.gate.decide(call.caller, kind, "export")
    return Sight(kind, decision.visibility, decision.reasons)


async def _shown(call: Call, sight: Sight, chunk: Chunk) -> Sequence[tuple[bytes, Row]]:
    """The lines whose resource may be seen as it is now, and whose patients are open as they were then."""
    found = list(zip(chunk.lines, chunk.rows, strict=True))
    if not sight.type:
        return found
    filters = visible(sight.type, sight.visibility)
    if filters is None:
        return []
    asked = both([{"_id": {"$in": [one for one, _ in chunk.rows]}}, filters])
    seen = {row["_id"] async for row in call.services.store.collections.of(sight.type).find(asked, {"_id": 1})}
    return [(line, row) for line, row in found if row[0] in seen and _open(row[1], sight)]


def _open(patients: Sequence[str], sight: Sight) -> bool:
    own = frozenset(patients)
    if own & sight.visibility.denied:
        return False
    allowed = sight.visibility.patients
    return allowed is None or bool(own & allowed) or (not own and sight.type in sight.visibility.shared_types)


async def _record(call: Call, sight: Sight, patients: Sequence[str]) -> None:
    entries = [
        Entry(
            "export", call.caller, sight.type or "OperationOutcome", patient=patient, query="/".join(call.path),
            request_id=call.request_id, address=call.address, reasons=sight.reasons,
        )
        for patient in patients
    ]  # fmt: skip
    for start in range(0, len(entries), ENTRIES):
        await call.services.audit.record(entries[start : start + ENTRIES])
