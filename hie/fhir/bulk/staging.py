"""
Lines of an import on their way into the database: pieces of whole lines, however the bytes come.

Nothing larger than one piece is held; a line that is too long is kept by its beginning and refused later.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from hie.fhir.bulk.job import Job
from hie.fhir.bulk.jobs import Chunk, Jobs, Row
from hie.fhir.bulk.lines import LineReader
from records.errors import TooCostly

CHUNK_LINES, CHUNK_BYTES = 1_000, 4_000_000
# A database document ends at 16 MB, and a resource becomes one.
LONGEST_LINE = 15_000_000
OVERLONG: Row = ("overlong", ())
WHOLE: Row = ("", ())


@dataclass(slots=True)
class Staging:
    """Writes one input of a job, piece by piece."""

    jobs: Jobs
    job: Job
    file: str
    longest: int
    most_bytes: int
    _lines: list[bytes] = field(default_factory=list)
    _rows: list[Row] = field(default_factory=list)
    _held: int = 0
    _written: int = 0
    _number: int = 0

    async def take(self, parts: AsyncGenerator[bytes, None]) -> int:
        """Write all that comes; returns how many lines. TooCostly beyond the limit of an import."""
        reader, size = LineReader(min(self.longest, LONGEST_LINE)), 0
        async with aclosing(parts):
            async for part in parts:
                size += len(part)
                if size > self.most_bytes:
                    raise TooCostly(f"An import may have {self.most_bytes} bytes.")
                for line, whole in reader.feed(part):
                    await self._add(line, whole=whole)
        for line, whole in reader.last():
            await self._add(line, whole=whole)
        await self._flush()
        return self._written

    async def _add(self, line: bytes, *, whole: bool) -> None:
        self._lines.append(line)
        self._rows.append(WHOLE if whole else OVERLONG)
        self._held += len(line)
        if len(self._lines) >= CHUNK_LINES or self._held >= CHUNK_BYTES:
            await self._flush()

    async def _flush(self) -> None:
        if not self._lines:
            return
        await self.jobs.keep(self.job, [Chunk(self.file, self._number, self._lines, self._rows, self._written + 1)])
        self._written += len(self._lines)
        self._number += 1
        self._lines, self._rows, self._held = [], [], 0
        # An upload that lasts must not look abandoned.
        await self.jobs.touch(self.job)
