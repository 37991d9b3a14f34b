"""
Lines of an import as writes: strict parsing, validation and permission for each; then identity, stores, events, trail.

An id in the line is kept, as by PUT. A line without one gets an id made of its own bytes, so that the same line
read again is the same resource. https://hl7.org/fhir/R4/http.html#update
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pymongo.asynchronous.client_session import AsyncClientSession

from hie.audit.events import Entry
from hie.errors import HieError, Unavailable, Unsupported, fault
from hie.fhir.bulk.job import Job, Progress, Tally
from hie.fhir.operations.validate.enforcing import Claims
from hie.fhir.outcome import outcome
from hie.fhir.services import FhirServices
from hie.fhir.writing import permit
from records import validation
from records.errors import Invalid, Issue, NotFound, RecordError
from records.stored import EVERYTHING, Json, Stored, Visibility, Write, encode

# Made by the client registry from the Patients; those of another exchange would stand beside its own.
OWN_TYPES = frozenset({"Person"})
# Accepted by the answer to the request that asks for it, and not by a job that comes later.
AGREED_TYPES = frozenset({"Subscription"})
_SERVERS_OWN = ("versionId", "lastUpdated", "source")
_NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")


@dataclass(frozen=True, slots=True)
class Line:
    """A line that may be filed."""

    number: int
    text: bytes
    resource: Json
    id: str
    visibility: Visibility

    @property
    def type(self) -> str:
        """Its resource type."""
        return str(self.resource["resourceType"])

    @property
    def key(self) -> tuple[str, str]:
        """Type and id."""
        return self.type, self.id


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that may not, and why; number 0 is the whole file."""

    number: int
    text: bytes
    issues: tuple[Issue, ...]

    def line(self) -> bytes:
        """The OperationOutcome of the error file."""
        where = f"Line {self.number}: " if self.number else ""
        return outcome([replace(one, text=where + one.text) for one in self.issues])


@dataclass(frozen=True, slots=True)
class Batch:
    """
    Lines for one transaction; `first` is the number of their chunk's first line, `end` the place behind them in the
    chunk, `whole` says that it is the chunk's end.
    """

    lines: tuple[Line, ...]
    refused: tuple[Refusal, ...]
    first: int
    end: int
    whole: bool

    def singles(self) -> Iterator[Batch]:
        """The same, each line alone, with the refusals that stand between it and the next."""
        begun = 0
        for line, until in zip(self.lines, [*(one.number for one in self.lines[1:]), None], strict=True):
            between = (one for one in self.refused if begun <= one.number and (until is None or one.number < until))
            end = self.end if until is None else until - self.first
            yield Batch((line,), tuple(between), self.first, end, self.whole and until is None)
            begun = until or 0


async def read_line(services: FhirServices, job: Job, number: int, text: bytes) -> Line | Refusal:
    """One line, checked; what is wrong with it where it may not be filed."""
    try:
        resource = validation.parse(text)
        kind = resource["resourceType"]
        _expected(job, str(kind))
        validation.check(resource)
        interaction = "update" if resource.get("id") else "create"
        visibility = await services.gate.visibility(job.caller, kind, interaction)
        permit(resource, visibility)
        await Claims.of(services.store, services.settings)([Write("update", kind, resource.get("id", ""), resource)])
    except Unavailable:
        raise
    except (HieError, RecordError) as error:
        return Refusal(number, text, fault(error).issues)
    return Line(number, text, resource, str(resource.get("id") or _id_of(job, text)), visibility)


def _expected(job: Job, kind: str) -> None:
    wanted = job.inputs[job.progress.at].type
    if wanted and kind != wanted:
        raise Invalid(f"This file was announced to hold {wanted} resources alone.")
    if kind in OWN_TYPES:
        raise Unsupported(f"The exchange makes each {kind} itself, from the Patients that it is given.")
    if kind in AGREED_TYPES:
        raise Unsupported(f"A {kind} is agreed on one by one: send it by POST or PUT.")


def _id_of(job: Job, text: bytes) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{job.owner}\x1f{hashlib.sha256(text).hexdigest()}"))


async def refuse(services: FhirServices, job: Job, refused: Sequence[Refusal]) -> None:
    """Keep what is refused in the journal, as every other body that was."""
    await asyncio.gather(*(
        services.journal.keep_rejected(
            channel="fhir", raw=one.text, reason=_reason(one), sender=job.caller.client
        )
        for one in refused if one.text
    ))  # fmt: skip


def _reason(refused: Refusal) -> str:
    return f"$import, line {refused.number}: {refused.issues[0].text}"


async def file_batch(services: FhirServices, job: Job, batch: Batch, session: AsyncClientSession) -> Progress:
    """File the lines in the caller's transaction, the trail included; returns the progress with their counts."""
    references = [f"{line.type}/{line.id}" for line in batch.lines]
    before = await services.store.read_many(references, session=session)
    await _all_seen(services, batch, before, session)
    changed = [line for line in batch.lines if not _same(before.get(f"{line.type}/{line.id}"), line.resource)]
    writes = [Write("update", line.type, line.id, {**line.resource, "id": line.id}, line.text) for line in changed]
    source = f"urn:hie:client:{job.caller.client or 'unknown'}#{job.id}"
    rows = await services.filing.file(writes, session=session, source=source) if writes else []
    await services.audit.record([entry for row in rows for entry in _entries(job, row, before)])
    return _counted(job.progress, batch, {row.reference for row in rows}, before)


async def _all_seen(
    services: FhirServices, batch: Batch, before: dict[str, Stored], session: AsyncClientSession
) -> None:
    """NotFound where a line would overwrite what the caller may not see."""
    for line in batch.lines:
        reference = f"{line.type}/{line.id}"
        if reference in before and line.visibility != EVERYTHING:
            seen = await services.store.read_many([reference], visibility=line.visibility, session=session)
            if reference not in seen:
                raise NotFound("There is no such resource.")


def _same(row: Stored | None, resource: Json) -> bool:
    """True where the resource stands there already, to the last digit; what the server sets does not count."""
    return row is not None and not row.deleted and _bare(row.resource()) == _bare({**resource, "id": row.id})


def _bare(resource: Json) -> dict[str, bytes]:
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in _SERVERS_OWN}
    # As text: 1.5 and 1.50 are one number, and not one result.
    return {name: encode(value) for name, value in {**resource, "meta": meta}.items()}


def _entries(job: Job, row: Stored, before: dict[str, Stored]) -> Iterator[Entry]:
    known = row.reference in before
    shared = Entry(
        "update" if known else "create", job.caller, row.type, row.id, version=row.version,
        status=200 if known else 201, query="$import", request_id=job.id,
    )  # fmt: skip
    for patient in row.patients or ("",):
        yield replace(shared, patient=patient)


def _counted(progress: Progress, batch: Batch, written: set[str], before: dict[str, Stored]) -> Progress:
    tallies = {(one.of, one.type): one for one in progress.tallies}
    for line in batch.lines:
        key, reference = (progress.at, line.type), f"{line.type}/{line.id}"
        tally = tallies.get(key) or Tally(*key)
        if reference not in written:
            tallies[key] = replace(tally, unchanged=tally.unchanged + 1)
        elif reference in before:
            tallies[key] = replace(tally, updated=tally.updated + 1)
        else:
            tallies[key] = replace(tally, created=tally.created + 1)
    return replace(progress, tallies=tuple(tallies.values()), done=progress.done + len(batch.lines))
