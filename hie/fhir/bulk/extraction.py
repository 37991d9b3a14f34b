"""
One step of an export: the next rows of a type become lines of a file, and the place behind them is kept with them.

Rows are shown in the state of one moment, also those that were changed while the export ran.
https://hl7.org/fhir/uv/bulkdata/export.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from pymongo.asynchronous.cursor import AsyncCursor

from hie.fhir.bulk.job import Export, File, Job, Part, Progress
from hie.fhir.bulk.jobs import Chunk, Row
from hie.fhir.bulk.lines import deletion, one_line
from hie.fhir.outcome import outcome
from hie.fhir.services import FhirServices
from hie.fhir.subset import shape
from records.definitions import definitions
from records.documents import WITHOUT_KEYS, Document, to_stored, visible
from records.errors import Issue
from records.search.filters import Compiler
from records.search.key import Condition, both, either
from records.search.request import read
from records.search.run import Searcher
from records.stored import Stored, Visibility, decode

PAGE_ROWS, PAGE_BYTES = 500, 4_000_000
FILE_BYTES = 256_000_000
ERRORS = "error-1"


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the order of their ids; `last` is the id that was looked at last, `more` that there are others."""

    rows: tuple[Stored, ...] = ()
    last: str = ""
    more: bool = False


@dataclass(slots=True)
class Extraction:
    """Works on exports for one process; conditions of filters are compiled once a job and type."""

    services: FhirServices
    _filters: dict[tuple[str, str], Condition] = field(default_factory=dict)

    async def step(self, job: Job) -> Job:
        """Do the next piece; returns the job behind it. Lost where another process did it, Denied by the decision."""
        export = job.export
        assert export is not None
        if job.progress.at >= len(export.parts):
            return await self._finish(job)
        part = export.parts[job.progress.at]
        # The decision is made anew at each step: a consent withdrawn meanwhile counts from now on.
        visibility = await self.services.gate.visibility(job.caller, part.type, "export")
        file = self._file(job.progress, part)
        room = self.services.settings.bulk_file_rows - file.rows
        page = await self._page(job, export, part, visibility, min(PAGE_ROWS, room))
        chunks = [self._chunk(export, part, file, page.rows)] if page.rows else []
        progress = _behind(job.progress, file, page, chunks)
        return await self._write(job, progress, chunks)

    def forget(self, job_id: str) -> None:
        """The job is done, or another's."""
        for key in [key for key in self._filters if key[0] == job_id]:
            del self._filters[key]

    async def _write(self, job: Job, progress: Progress, chunks: Sequence[Chunk], **fields: object) -> Job:
        jobs = self.services.bulk
        return await self.services.store.in_transaction(
            lambda session: jobs.advance(job, progress, chunks, session=session, **fields)
        )

    async def _finish(self, job: Job) -> Job:
        """The remarks become the error file, and the job is complete."""
        lines = [outcome([Issue("", text, "informational", "warning")]) for text in job.remarks]
        chunks = [Chunk(ERRORS, 0, lines, [("", ())] * len(lines))] if lines else []
        error = File(ERRORS, "OperationOutcome", "error", len(lines), sum(map(len, lines)), 1)
        files = (*job.progress.files, error) if lines else job.progress.files
        expires = self.services.clock() + timedelta(hours=self.services.settings.bulk_keep_hours)
        progress = replace(job.progress, files=files)
        return await self._write(job, progress, chunks, state="complete", expires=expires)

    # Files

    def _file(self, progress: Progress, part: Part) -> File:
        """The file to go on with: the last one, while it is of this part and has room."""
        kind = "deleted" if part.deleted else "output"
        last = progress.files[-1] if progress.files else None
        if last is not None and (last.type, last.kind) == (_type_of(part), kind) and self._open(last, part):
            return last
        number = 1 + sum(1 for one in progress.files if one.name.startswith(f"{part.type}-{kind}-"))
        return File(f"{part.type}-{kind}-{number}", _type_of(part), "deleted" if part.deleted else "output")

    def _open(self, file: File, part: Part) -> bool:
        mine = file.name.rpartition("-")[0] == f"{part.type}-{file.kind}"
        return mine and file.rows < self.services.settings.bulk_file_rows and file.size < FILE_BYTES

    def _chunk(self, export: Export, part: Part, file: File, rows: Sequence[Stored]) -> Chunk:
        lines = [deletion(row) if part.deleted else one_line(_cut(row, export.elements)) for row in rows]
        about: list[Row] = [(row.id, row.patients) for row in rows]
        return Chunk(file.name, file.chunks, lines, about)

    # Rows

    async def _page(self, job: Job, export: Export, part: Part, visibility: Visibility, size: int) -> Page:
        sight = visible(part.type, visibility)
        if sight is None:
            return Page()
        behind: Condition = {"_id": {"$gt": job.progress.cursor}} if job.progress.cursor else {}
        asked = await self._filter(job, export, part, visibility)
        condition = both([sight, _who(export), _when(export, part), asked, behind])
        collection = self.services.store.collections.of(part.type)
        found, more = await _read(collection.find(condition, WITHOUT_KEYS, allow_disk_use=True), size)
        rows = await self._as_of(export, part, found, sight)
        return Page(rows, found[-1]["_id"] if found else "", more)

    async def _filter(self, job: Job, export: Export, part: Part, visibility: Visibility) -> Condition:
        """What the filters of the type leave; a resource that meets several of them comes once."""
        mine = [one for one in export.selections if one.type == part.type]
        if part.deleted or not mine:
            return {}
        key = (job.id, part.type)
        if key not in self._filters:
            searcher = Searcher(
                self.services.store.collections, visibility, None, self.services.settings.fhir_url,
                self.services.bulk.dictionary,
            )  # fmt: skip
            compiler = Compiler(searcher, searcher.base, searcher.dictionary)
            found = [await compiler.all(part.type, read(part.type, one.params).filters) for one in mine]
            # What was deleted has no keys: a filter that asks for what is absent would find it.
            self._filters[key] = both([either(found), {"d": False}])
        return self._filters[key]

    async def _as_of(
        self, export: Export, part: Part, found: Sequence[Document], sight: Condition
    ) -> tuple[Stored, ...]:
        """The rows as they were at the moment of the export; one that came later, or was deleted then, is left out."""
        late = {row["_id"] for row in found if _at(row) > export.as_of}
        earlier = await self._earlier(part.type, sorted(late), export, sight) if late else {}
        rows = [earlier.get(row["_id"]) if row["_id"] in late else row for row in found]
        return tuple(
            to_stored(part.type, row)
            for row in rows
            if row is not None
            and row["d"] == part.deleted
            and (export.since is None or _at(row) > export.since)
        )

    async def _earlier(
        self, kind: str, ids: Sequence[str], export: Export, sight: Condition
    ) -> dict[str, Document]:
        asked = both([{"r": kind, "i": {"$in": list(ids)}, "t": {"$lte": export.as_of}}, sight])
        past = self.services.store.collections.history_of(kind).find(asked).sort([("i", 1), ("v", 1)])
        # The last one in order stays.
        return {row["i"]: row async for row in past}


def _type_of(part: Part) -> str:
    # A file of deletions holds Bundles.
    return "Bundle" if part.deleted else part.type


def _behind(progress: Progress, file: File, page: Page, chunks: Sequence[Chunk]) -> Progress:
    """The progress after a page."""
    files = progress.files
    if chunks:
        size = sum(len(line) + 1 for line in chunks[0].lines)
        grown = replace(file, rows=file.rows + len(page.rows), size=file.size + size, chunks=file.chunks + 1)
        files = (*(one for one in files if one.name != file.name), grown)
    at, cursor = (progress.at, page.last) if page.more else (progress.at + 1, "")
    return replace(progress, at=at, cursor=cursor, files=files, done=progress.done + len(page.rows), failures=0)


async def _read(cursor: AsyncCursor[Document], size: int) -> tuple[list[Document], bool]:
    """At most `size` rows, fewer where they are large; and whether there are others."""
    found, weight = list[Document](), 0
    async for row in cursor.sort("_id", 1).limit(size + 1):
        if len(found) == size or weight > PAGE_BYTES:
            return found, True
        found.append(row)
        weight += len(row["text"])
    return found, False


def _who(export: Export) -> Condition:
    if export.patients is not None:
        return {"p": {"$in": list(export.patients)}}
    return {"p": {"$ne": []}} if export.compartment else {}


def _when(export: Export, part: Part) -> Condition:
    since: Condition = {"t": {"$gt": export.since}} if export.since else {}
    if part.deleted:
        return both([{"d": True}, since])
    # What was deleted after the moment of the export was there at it.
    return both([{"$or": [{"d": False}, {"t": {"$gt": export.as_of}}]}, since])


def _at(row: Document) -> datetime:
    at: datetime = row["t"]
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _cut(row: Stored, elements: Sequence[str]) -> bytes:
    """The text with the elements that were asked for its type, and those without which it is not valid."""
    asked = [one.rpartition(".")[2] for one in elements if one.rpartition(".")[0] in ("", row.type)]
    if not asked:
        return row.text
    structure = definitions().structure(row.type)
    needed = [name for name in decode(row.text) if structure.is_mandatory(name)]
    return shape(row.text, (("_elements", ",".join((*asked, *needed))),))
