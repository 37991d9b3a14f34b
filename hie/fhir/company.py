"""
Single writes that arrive at once go into one database transaction: its commands and its flush are paid once for all.

Each write is decided by itself, on what stands under its id. What the company cannot do together, each does alone, as
if it had come alone: a company is tried once. https://hl7.org/fhir/R4/http.html#concurrency
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pymongo.asynchronous.client_session import AsyncClientSession

from hie.errors import HieError
from hie.exchange.filing import Filing
from hie.exchange.group_commit import Alone, GroupCommit, together
from records.errors import NotFound, RecordError
from records.resource_store import ResourceStore
from records.stored import Stored, Visibility, Write

MOST = 16
Decide = Callable[[Stored | None], Write | None]


@dataclass(frozen=True, slots=True)
class Intent:
    """
    A write that is decided by `decide(current)`; None where it needs no write, an error where it must not be.

    `id` is empty for what is new. `source` is who speaks. What the caller may not see is refused, or counts as absent
    where `hides` says so.
    """

    type: str
    id: str
    visibility: Visibility
    source: str
    decide: Decide
    hides: bool = False

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}" if self.id else ""

    def on(self, row: Stored | None) -> Write | None:
        """Decide on what was read under the id; NotFound for what the caller may not see."""
        seen = row is not None and not row.deleted and self.visibility.shows(row)
        if row is not None and not row.deleted and not seen and not self.hides:
            raise NotFound("There is no such resource.")
        return self.decide(row if seen else None)


class Company:
    """The writes of one process; one company is under way at a time."""

    def __init__(self, store: ResourceStore, filing: Filing) -> None:
        self._store, self._filing = store, filing
        self._commits: GroupCommit[Intent, Stored | None] = GroupCommit(self._write, largest=MOST)

    async def write(self, intent: Intent) -> Stored | None:
        """Make a write together with others; raises what it is refused for, Alone where it must be tried alone."""
        return await self._commits.add(intent)

    async def _write(self, intents: Sequence[Intent]) -> Sequence[Stored | Exception | None]:
        return await together(
            intents, lambda: self._store.attempt(lambda session: self._together(intents, session))
        )

    async def _together(
        self, intents: Sequence[Intent], session: AsyncClientSession
    ) -> Sequence[Stored | Exception | None]:
        outcomes: list[Stored | Exception | None] = [None] * len(intents)
        places, writes = list[int](), list[Write]()
        standing = await self._standing(intents, session)
        taken: set[str] = set()
        for place, intent in enumerate(intents):
            try:
                if intent.reference in taken:
                    raise Alone
                write = intent.on(standing.get(intent.reference))
            except (RecordError, HieError, Alone) as error:
                outcomes[place] = error
                continue
            if write is not None:
                taken.add(f"{write.type}/{write.id}")
                places.append(place)
                writes.append(write if write.source else replace(write, source=intent.source))
        if writes:
            sources = {write.id: write.source or "" for write in writes}
            rows = await self._filing.file(writes, session=session, source=writes[0].source or "", sources=sources)
            for place, row in zip(places, rows, strict=True):
                outcomes[place] = row
        return outcomes

    async def _standing(self, intents: Sequence[Intent], session: AsyncClientSession) -> dict[str, Stored]:
        references = sorted({intent.reference for intent in intents if intent.id})
        return await self._store.read_many(references, session=session) if references else {}
