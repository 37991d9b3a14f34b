"""
The journey of one message, as a list.

OpenHIM's channels and HL7 v2 engines show the same steps; the second half is one MongoDB transaction.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from pymongo.asynchronous.client_session import AsyncClientSession

from hie.directory.sites import Directory
from hie.exchange.convoy import Convoy
from hie.exchange.filing import Filing
from hie.exchange.group_commit import Alone
from hie.exchange.holding import Held, nothing_more
from hie.exchange.inbound import InboundMessage
from hie.exchange.journal import Journal
from hie.exchange.steps.conclude import Conclude
from hie.exchange.steps.follow import Follow
from hie.exchange.steps.map_codes import MapCodes, Mapper
from hie.exchange.steps.match_identity import MatchIdentity
from hie.exchange.steps.notify import Notify
from hie.exchange.steps.numbers import Stock
from hie.exchange.steps.parse import Parse
from hie.exchange.steps.reconcile import Reconcile
from hie.exchange.steps.renumber import Renumber
from hie.exchange.steps.store import Store
from hie.exchange.steps.translate import Translate
from hie.exchange.steps.unlink import Unlink
from hie.exchange.steps.validate import Validate
from hie.exchange.work import Reader, Step, Work
from records.resource_store import ResourceStore


@dataclass(frozen=True, slots=True)
class Pipeline:
    """
    `before` needs no database; `inside` runs in one transaction, and again from its start when that must be retried.
    A message that can travel in a `convoy` does.
    """

    store: ResourceStore
    before: tuple[Step, ...]
    inside: tuple[Step, ...]
    convoy: Convoy | None = None

    async def __call__(self, entry: InboundMessage) -> Work:
        """Carry one message to the stores; raises what kept it from getting there."""
        work = Work(entry)
        for step in self.before:
            work = await step(work)
        if self.convoy is not None:
            with suppress(Alone):
                return await self.convoy.add(work)

        async def transact(session: AsyncClientSession) -> Work:
            inside = replace(work, session=session)
            for step in self.inside:
                inside = await step(inside)
            return inside

        return await self.store.in_transaction(transact)


def pipeline(
    *,
    store: ResourceStore,
    directory: Directory,
    filing: Filing,
    journal: Journal,
    mapper: Mapper | None = None,
    held: Held = nothing_more,
) -> Pipeline:
    """The pipeline of HL7 v2 messages."""

    def deciding(reader: Reader) -> tuple[Step, ...]:
        return Reconcile(reader), Renumber(reader), Follow(store), Validate(held)

    return Pipeline(
        store,
        before=(
            Parse(directory),
            Translate(),
            MapCodes(mapper),
        ),
        inside=(
            *deciding(Stock(store)),
            MatchIdentity(filing),
            Store(store),
            Unlink(filing),
            Notify(filing.outbox),
            Conclude(journal),
        ),
        convoy=Convoy(store, filing, journal, deciding),
    )
