"""
Messages of several lanes travel together: one database transaction, its commands and its flush paid once for all.

Each message is decided by itself, on what is stored of it; what the convoy cannot carry goes alone, as if there were
none, and a convoy that fails is dissolved: it is tried once. So no message waits for another's fault, and order within
a lane is the worker's, as before. https://www.mongodb.com/docs/manual/core/transactions/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pymongo.asynchronous.client_session import AsyncClientSession

from adapters.facts import Fact
from adapters.recognition import Candidates
from hie.exchange.filing import Filing
from hie.exchange.group_commit import Alone, GroupCommit, together
from hie.exchange.journal import Journal
from hie.exchange.steps.conclude import TakenElsewhere, outcome
from hie.exchange.steps.numbers import Question, Stock, having, look_up
from hie.exchange.steps.reconcile import doubtful
from hie.exchange.work import Reader, Step, Work
from records.resource_store import ResourceStore
from records.stored import Json, Stored

MOST = 8
HEAVIEST = 4_000_000
MOST_NUMBERED = 500
# While one convoy waits for the database the next is decided.
AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A reader that has read already what all messages of a convoy will ask for."""

    stock: Stock
    rows: Mapping[str, Stored]
    asked: frozenset[str]
    numbers: Mapping[Question, Sequence[Json]]

    async def read_many(
        self, references: Sequence[str], *, session: AsyncClientSession | None = None
    ) -> dict[str, Stored]:
        """As the store does."""
        found = {name: self.rows[name] for name in references if name in self.rows}
        others = [name for name in references if name not in self.asked]
        return found | await self.stock.read_many(others, session=session) if others else found

    async def numbered(self, asked: Sequence[Fact], *, session: AsyncClientSession | None = None) -> Candidates:
        """As the stock does; what would fill a page is asked for again, by each message for itself."""
        if any(len(found) >= MOST_NUMBERED for found in self.numbers.values()):
            return await self.stock.numbered(asked, session=session)
        return having(asked, self.numbers)


class Convoy:
    """The messages of one worker; while convoys are under way the next gathers."""

    def __init__(
        self, store: ResourceStore, filing: Filing, journal: Journal, deciding: Callable[[Reader], Sequence[Step]]
    ) -> None:
        self._store, self._filing, self._journal, self._deciding = store, filing, journal, deciding
        self._commits: GroupCommit[Work, Work] = GroupCommit(
            self._carry, largest=MOST, weight=lambda work: len(work.entry.raw), heaviest=HEAVIEST, at_once=AT_ONCE
        )

    async def add(self, work: Work) -> Work:
        """Carry a message, understood already, with its neighbours; raises Alone where it has to go by itself."""
        if not fits(work):
            raise Alone
        return await self._commits.add(work)

    async def _carry(self, works: Sequence[Work]) -> Sequence[Work | Exception]:
        return await together(works, lambda: self._store.attempt(lambda session: self._together(works, session)))

    async def _together(self, works: Sequence[Work], session: AsyncClientSession) -> Sequence[Work | Exception]:
        outcomes: list[Work | Exception] = []
        written: set[str] = set()
        steps = self._deciding(await self._foresee(works, session))
        for work in works:
            try:
                outcomes.append(await _decided(replace(work, session=session), steps, written))
            except Exception:
                outcomes.append(Alone())
        going = [done for done in outcomes if isinstance(done, Work)]
        if going:
            await self._file(going, session)
        return outcomes

    async def _foresee(self, works: Sequence[Work], session: AsyncClientSession) -> Foreseen:
        keys = {f"{fact.type}/{fact.id}" for work in works for fact in work.translation.facts}
        rows = await self._store.read_many(sorted(keys), session=session) if keys else {}
        asked = [fact for work in works for fact in doubtful(work.translation.facts, rows)]
        numbers = await look_up(self._store, asked, session=session, most=MOST_NUMBERED)
        return Foreseen(Stock(self._store), rows, frozenset(keys), numbers)

    async def _file(self, works: Sequence[Work], session: AsyncClientSession) -> None:
        writes = [write for work in works for write in work.writes]
        sites = {write.id: work.entry.site for work in works for write in work.writes if write.type == "Patient"}
        persons = await self._filing.identify(writes, session=session, source=works[0].entry.site, sources=sites)
        together = [*writes, *persons]
        if together:
            stored = await self._store.apply(together, session=session)
            await self._filing.outbox.publish(stored, together, session=session)
        if not await self._journal.conclude_all([outcome(work) for work in works], session=session):
            raise TakenElsewhere


def fits(work: Work) -> bool:
    """Whether a message only says what is so: changes of identity and moves go alone."""
    said = work.translation
    return not (said.merges or said.unlinks or said.renumbered or said.moves)


async def _decided(work: Work, steps: Sequence[Step], written: set[str]) -> Work:
    """What a message writes; Alone where it speaks of what an earlier one of the convoy writes."""
    for step in steps:
        work = await step(work)
    speaks_of = {f"{fact.type}/{fact.id}" for fact in work.translation.facts} | set(work.before)
    writes = {f"{write.type}/{write.id}" for write in work.writes}
    if (speaks_of | writes) & written:
        raise Alone
    written |= writes
    return work
