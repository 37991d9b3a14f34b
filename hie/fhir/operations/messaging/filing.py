"""
One message, one transaction: resources, identity, events, the journal entry with its answer, and that it was seen.

https://hl7.org/fhir/R4/messaging.html#reliable
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection

from hie.errors import Unprocessable
from hie.exchange.entries import Document
from hie.exchange.filing import Filing
from hie.exchange.holding import Held
from hie.exchange.inbound import InboundMessage
from hie.exchange.journal import Journal
from hie.exchange.steps.conclude import TakenElsewhere
from hie.fhir.operations.messaging.planning import Planned, decide, plan
from hie.fhir.operations.messaging.reading import Message, focus_of
from hie.fhir.operations.messaging.responding import response
from records.errors import Issue
from records.stored import Stored, Write

CONSUMER = "message-responses"
Permit = Callable[[Planned, Stored | None, AsyncClientSession], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Filed:
    """What came of it: the response, what was written, and whether this was the first time."""

    answer: bytes
    rows: tuple[Stored, ...] = ()
    first: bool = True


@dataclass(frozen=True, slots=True)
class Messages:
    """Files messages."""

    filing: Filing
    journal: Journal
    clock: Callable[[], datetime]
    base: str
    held: Held

    async def take(self, message: Message, entry: InboundMessage, permit: Permit, respond_to: str = "") -> Filed:
        """
        File a message, or answer one that came before as it was answered then.

        `respond_to` is where the response is to be sent as well. Raises what forbids the message; nothing is kept then.
        """
        planned = plan(message, self.base)
        file = await self.journal.body(entry)

        async def once(session: AsyncClientSession) -> Filed:
            if (earlier := await self._earlier(message, entry, session)) is not None:
                return Filed(earlier, first=False)
            writes, rows = await self._file(message, planned, entry, permit, session)
            await self._identify(message, planned, session)
            answer = response(message.header, "ok", _told(planned, writes), self.base, self.clock())
            await self.journal.append_within(entry, answer, file, session)
            await self._remember(message, entry, respond_to, session)
            return Filed(answer, tuple(rows))

        return await self.filing.store.in_transaction(once)

    async def again(self, message: Message, entry: InboundMessage) -> None:
        """
        File a message of the journal once more: what is not there is made anew, what others changed since stays.

        Who is who is settled again only where something had to be made.
        """

        async def once(session: AsyncClientSession) -> None:
            planned, source = plan(message, self.base), f"{message.header.endpoint}#"
            stored = await self._stored(planned, session)
            old = [one for one in planned if not overtaken(stored.get(one.reference), source, entry.id)]
            rows = (await self._file(message, old, entry, _anybody, session))[1]
            if rows:
                await self._identify(message, planned, session)
            if not await self.journal.conclude(entry, "committed", session=session):
                raise TakenElsewhere

        await self.filing.store.in_transaction(once)

    async def _file(
        self, message: Message, planned: Sequence[Planned], entry: InboundMessage, permit: Permit,
        session: AsyncClientSession,
    ) -> tuple[list[Write | None], list[Stored]]:  # fmt: skip
        endpoint, stored = message.header.endpoint, await self._stored(planned, session)
        for one in planned:
            await permit(one, stored.get(one.reference), session)
        writes = [decide(one, stored.get(one.reference), f"{endpoint}#{entry.id}") for one in planned]
        wanted = [write for write in writes if write is not None]
        await self.held(wanted)
        rows = await self.filing.file(wanted, session=session, source=endpoint) if wanted else []
        return writes, rows

    async def _stored(self, planned: Sequence[Planned], session: AsyncClientSession) -> dict[str, Stored]:
        return await self.filing.store.read_many([one.reference for one in planned], session=session)

    async def _identify(self, message: Message, planned: Sequence[Planned], session: AsyncClientSession) -> None:
        if not message.event.identity:
            return
        named = {one.part.number: one.id for one in planned}
        first, *others = [named[part.number] for part in focus_of(message.header.resource, message.parts)]
        endpoint, registry = message.header.endpoint, self.filing.registry
        if message.event.identity == "link":
            pairs = [_pair(planned, first, other) for other in others]
            persons = await self.filing.identify([], session=session, source=endpoint, merges=pairs)
            stored = await self.filing.store.apply(persons, session=session) if persons else []
            await self.filing.outbox.publish(stored, persons, session=session)
            return
        links = await registry.links.of_patients([first, *others], session)
        apart = [one for one in others if one in links and first in links and links[one].person == links[first].person]
        if apart:
            await registry.unmerge(apart, session=session, by=endpoint)

    async def _earlier(self, message: Message, entry: InboundMessage, session: AsyncClientSession) -> bytes | None:
        """The answer to this message when it came first; Unprocessable where its envelope carried another one."""
        keys = _keys(message, entry)
        found = {one["_id"]: one async for one in self._seen.find({"_id": {"$in": list(keys)}}, session=session)}
        if (known := found.get(keys[0])) is not None:
            kept = await self.journal.collection.find_one({"_id": known["journal"]}, {"answer": 1}, session=session)
            return bytes((kept or {}).get("answer") or b"")
        if found:
            raise Unprocessable(
                "Bundle.identifier was used before, for another message; every sending needs its own.",
                expression="Bundle.identifier",
            )
        return None

    async def _remember(
        self, message: Message, entry: InboundMessage, respond_to: str, session: AsyncClientSession
    ) -> None:
        seen = {"journal": entry.id, "at": self.clock()}
        for key in _keys(message, entry):
            await self._seen.insert_one({"_id": key, **seen}, session=session)
        if respond_to:
            await self._deliveries.insert_one({"_id": entry.id, "url": respond_to, **seen}, session=session)
            told = Stored("MessageHeader", entry.id, 1, self.clock(), b"")
            await self.filing.outbox.hand(CONSUMER, told, session=session)

    @property
    def _seen(self) -> AsyncCollection[Document]:
        return self.journal.collection.database["fhir_messages"]

    @property
    def _deliveries(self) -> AsyncCollection[Document]:
        return deliveries(self.journal)


def deliveries(journal: Journal) -> AsyncCollection[Document]:
    """Where responses still go: journal id and address."""
    return journal.collection.database["message_deliveries"]


def overtaken(stored: Stored | None, source: str, entry_id: str) -> bool:
    """True where what is stored was not made by this message or one before it: it is newer, or another's."""
    if stored is None:
        return False
    said = "" if stored.deleted else str(stored.resource().get("meta", {}).get("source", ""))
    return not said.startswith(source) or said.removeprefix(source) > entry_id


async def _anybody(_planned: Planned, _stored: Stored | None, _session: AsyncClientSession) -> None:
    """A message of the journal was permitted when it came."""


def _keys(message: Message, entry: InboundMessage) -> tuple[str, ...]:
    """The message as its sender names it, and the envelope it came in."""
    named = [("message", message.header.id), *([("envelope", message.envelope)] if message.envelope else [])]
    return tuple(hashlib.sha256("\x1f".join((entry.sender, *one)).encode()).hexdigest() for one in named)


def _pair(planned: Sequence[Planned], first: str, other: str) -> tuple[str, str]:
    """(survivor, subsumed): as the records say themselves, else the one that is named first stays."""
    resources = {one.id: one.resource for one in planned}
    said = {link.get("type") for link in resources[first].get("link", ())}
    return (other, first) if "replaced-by" in said else (first, other)


def _told(planned: Sequence[Planned], writes: Sequence[Write | None]) -> list[Issue]:
    done = {"create": "created", "update": "updated"}
    return [
        Issue(
            one.part.where,
            f"{one.reference}: {done[write.interaction] if write else 'unchanged'}.",
            "informational",
            "information",
        )
        for one, write in zip(planned, writes, strict=True)
    ]

