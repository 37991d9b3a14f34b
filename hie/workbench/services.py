"""
What the workbench works with, and `Work` for one visit: each write needs the caller's right and leaves an audit entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Protocol

from hie.access.gate import Gate
from hie.applications.work import Sight, Work, everything
from hie.audit.trail import AuditTrail
from hie.exchange.database import Client
from hie.exchange.ids import Clock
from records.stored import Stored, Write

# What was written: interaction, stored version, source Patient (or "").
Note = Callable[[str, Stored, str], None]


class Services(Protocol):
    """`hie.app.Services`, as far as the workbench needs it."""

    @property
    def client(self) -> Client: ...

    @property
    def work(self) -> Work: ...

    @property
    def gate(self) -> Gate: ...

    @property
    def audit(self) -> AuditTrail: ...

    @property
    def clock(self) -> Clock: ...


@dataclass(frozen=True, slots=True)
class VisitWork(Work):
    """`Work` in the hands of one caller."""

    sight: Sight = everything
    note: Note = lambda _interaction, _row, _patient: None

    @classmethod
    def of(cls, work: Work, sight: Sight, note: Note) -> VisitWork:
        """The same collaborators, for one caller."""
        return cls(**{one.name: getattr(work, one.name) for one in fields(Work)}, sight=sight, note=note)

    async def file(self, writes: Sequence[Write], source: str) -> list[Stored]:
        """The same as `Work.file`; Refused where the caller may not write a type."""
        for write in writes:
            await self.sight(write.type, write.interaction)
        stored = await Work.file(self, writes, source)
        for write, row in zip(writes, stored, strict=True):
            for patient in row.patients or ("",):
                self.note(write.interaction, row, patient)
        return stored
