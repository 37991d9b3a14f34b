"""
What travels through the pipeline: a frozen value that each step returns richer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pymongo.asynchronous.client_session import AsyncClientSession

from adapters.facts import Fact, Translation
from adapters.hl7v2.message import Message
from adapters.hl7v2.site import Site
from adapters.recognition import Candidates
from hie.exchange.inbound import InboundMessage
from records.stored import Stored, Write


@dataclass(frozen=True, slots=True)
class Work:
    """
    One message on its way.

    `entry` is there from the start, `site` and `message` after parse, `translation` after translate, `writes` after
    reconcile, `stored` after store. `before` is what was stored of the facts' resources when they were reconciled.
    `session` is the transaction, in the second half of the pipeline.
    """

    entry: InboundMessage
    site: Site | None = None
    message: Message | None = None
    translation: Translation = field(default_factory=Translation)
    writes: tuple[Write, ...] = ()
    stored: tuple[Stored, ...] = ()
    remarks: tuple[str, ...] = ()
    session: AsyncClientSession | None = None
    before: Mapping[str, Stored] = field(default_factory=dict)


class Step(Protocol):
    """A part of the pipeline; raises an error of one of the three trees, or any other for a bug of ours."""

    def __call__(self, work: Work, /) -> Awaitable[Work]: ...


class Reader(Protocol):
    """What steps read of the store."""

    async def read_many(
        self, references: Sequence[str], *, session: AsyncClientSession | None = None
    ) -> dict[str, Stored]: ...

    async def numbered(self, asked: Sequence[Fact], *, session: AsyncClientSession | None = None) -> Candidates: ...


Transaction = Callable[[Callable[[AsyncClientSession], Awaitable[Work]]], Awaitable[Work]]
