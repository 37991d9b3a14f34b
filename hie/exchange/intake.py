"""
Intake: keep what came, say what was wrong with it, and answer only when it is durable.

HL7 v2 chapter 2.9 (AA, AE, AR; CA, CE, CR) and 2.10.3 (batches). MLLP and HL7 over HTTP use the same door.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

from pymongo.errors import PyMongoError

from adapters.errors import AdapterError, NotUnderstood, TooLarge, Unsupported
from adapters.hl7v2 import acceptance, ack, batch, parser
from adapters.hl7v2.header import Header
from adapters.hl7v2.master_ack import master_file_answer
from adapters.hl7v2.site import Site
from hie.directory.sites import Directory
from hie.errors import Unavailable
from hie.exchange.backlog import Backlog
from hie.exchange.ids import Clock, now
from hie.exchange.inbound import Channel, InboundMessage
from hie.exchange.journal import Journal
from hie.exchange.lanes import lanes_of
from hie.exchange.limits import Crowded, SiteLimits
from hie.settings import Settings

UNKNOWN = "unknown sender: waits for onboarding"
CONNECTION_ENDED = "The connection ended inside the message."
AWAY = Unavailable("The journal cannot be written; send again.")
OUTSIDE = "Bytes outside of frames; {total} came."


class Arrival(Protocol):
    """What a channel hands over (`adapters.mllp` calls it Frame)."""

    @property
    def data(self) -> bytes: ...
    @property
    def truncated(self) -> bool: ...
    @property
    def total(self) -> int: ...
    @property
    def problem(self) -> str: ...


class Told(Protocol):
    """The answer to a query: its bytes, its code (AA, AE, AR), and what was wrong."""

    @property
    def raw(self) -> bytes: ...
    @property
    def code(self) -> str: ...
    @property
    def reason(self) -> str: ...


class Queries(Protocol):
    """Who answers queries (`hie.queries`)."""

    def wants(self, header: Header) -> bool: ...
    async def answer(self, raw: bytes, header: Header, site: Site | None) -> Told: ...


@dataclass(frozen=True, slots=True)
class Door:
    """Where something came in: what stands in for an empty MSH-3 and MSH-4, for an empty MSH-18; which connection."""

    sender: str = ""
    charset: str = ""
    connection: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    What a door tells the sender. `kept` False: nothing was stored, and the same is to be sent again; with `close` the
    connection ends.
    """

    answer: bytes | None = None
    kept: bool = True
    close: bool = False


NO_DOOR = Door()


@dataclass(frozen=True, slots=True)
class Intake:
    """`receive` is the only way in for HL7 v2; `accept` is its answer alone."""

    journal: Journal
    directory: Directory
    settings: Settings
    clock: Clock = now
    queries: Queries | None = None
    limits: SiteLimits = field(default_factory=SiteLimits)
    backlog: Backlog | None = None

    async def accept(self, frame: Arrival, channel: Channel) -> bytes | None:
        """Keep and answer one frame; None where no answer can or should be given."""
        return (await self.receive(frame, channel)).answer

    async def receive(self, frame: Arrival, channel: Channel, door: Door = NO_DOOR) -> Receipt:
        """
        Keep and answer one frame, message by message where it is a batch.

        An answer means durable: where the journal cannot be written, or too much waits, it is AR, send again.
        """
        if frame.problem:
            reason = CONNECTION_ENDED if frame.problem == "truncated" else OUTSIDE.format(total=frame.total)
            await self._keep(self._arrived(frame.data, channel), reason, b"")
            return Receipt()
        if frame.truncated or len(frame.data) > self.settings.mllp_max_bytes:
            return await self._refuse(frame, channel, door)
        sent = batch.read(frame.data)
        if not sent.enveloped and len(sent.messages) == 1:
            return await self._one(sent.messages[0], channel, door)
        return await self._batch(sent, channel, door)

    async def _batch(self, sent: batch.Batch, channel: Channel, door: Door) -> Receipt:
        """Each message for itself, in order; remarks say of each which batch it was in, and what did not add up."""
        if not sent.messages:
            return await self._empty(sent, channel)
        wrong = tuple(f"{found.location}: {found.text}" for found in sent.findings)
        receipts = []
        for at, (raw, name) in enumerate(zip(sent.messages, sent.names, strict=True), 1):
            place = (f"Message {at} of {len(sent.messages)} of a batch{f' ({name[:40]})' if name else ''}",)
            receipts.append(await self._one(raw, channel, door, place + wrong))
        answers = [receipt.answer for receipt in receipts]
        joined = batch.respond(sent, answers, self.clock) if sent.enveloped else b"".join(filter(None, answers))
        return Receipt(
            joined if any(answers) else None, all(one.kept for one in receipts), any(one.close for one in receipts)
        )

    async def _empty(self, sent: batch.Batch, channel: Channel) -> Receipt:
        """A batch of no messages is nothing wrong; it is kept and answered by one."""
        await self._keep(self._arrived(sent.raw, channel), "A batch without messages.", b"", "AA")
        return Receipt(batch.respond(sent, (), self.clock))

    def _arrived(
        self, raw: bytes, channel: Channel, header: Header | None = None, door: Door = NO_DOOR
    ) -> InboundMessage:
        message = InboundMessage(self.journal.next_id(), channel, self.clock(), raw)
        if header is None:
            return message
        sender = door.sender if door.sender and header.sender == "|" else header.sender
        lane, other = lanes_of(header, sender, self.settings.lanes)
        return replace(
            message, sender=sender, control_id=header.control_id, type=header.type, charset=header.charset,
            lane=lane, other_lane=other, lanes=self.settings.lanes, application=ack.deferred(header),
        )  # fmt: skip

    async def _keep(self, message: InboundMessage, reason: str, answer: bytes, code: str = "") -> None:
        await self.journal.append(replace(message, state="rejected", reason=reason, acknowledgement=code), answer)

    async def _refuse(self, frame: Arrival, channel: Channel, door: Door) -> Receipt:
        """Too large: kept as far as it came, and refused."""
        error = TooLarge(f"The message has {frame.total} bytes; at most {self.settings.mllp_max_bytes} are taken.")
        header = _header(frame.data)
        message = replace(self._arrived(frame.data, channel, header, door), size=frame.total)
        return await self._reject(message, header, error)

    async def _one(self, raw: bytes, channel: Channel, door: Door, remarks: tuple[str, ...] = ()) -> Receipt:
        """One message: understood, addressed, kept, answered."""
        header = _header(raw)
        message = replace(self._arrived(raw, channel, header, door), remarks=remarks)
        try:
            if header is None:
                raise NotUnderstood(
                    "The message does not begin with a readable MSH segment.", location="MSH", condition="100"
                )
            return Receipt(await self._take(message, header, door))
        except AdapterError as error:
            return await self._reject(message, header, error)
        except Unavailable as error:
            # Overloaded, or too many connections: nothing is kept, so that nobody can fill the journal with it.
            return self._not_kept(header, error, close=isinstance(error, Crowded))
        except PyMongoError:
            return self._not_kept(header)

    async def _take(self, message: InboundMessage, header: Header, door: Door) -> bytes | None:
        if header.processing_id in ("T", "D") and self.settings.mode == "production":
            raise Unsupported("Test and debugging messages are not taken here.", location="MSH^1^11", condition="202")
        site = await self.directory.site_for(message.sender)
        await self._admit(message, site, door)
        if self.queries is not None and self.queries.wants(header):
            return await self._ask(self.queries, message, header, site)
        answer = ack.acknowledge(header, "AA", clock=self.clock)
        message = self._with_charset(message, header, door)
        if site is None:
            message = replace(message, state="quarantined", remarks=(*message.remarks, UNKNOWN))
        else:
            acceptance.check(header, site)
            parsed = parser.parse(message.raw, site=message.read_by(site))
            answer = master_file_answer(answer, header, parsed, self.clock())
            message = replace(message, site=site.id)
        kept = await self.journal.append(replace(message, acknowledgement="AA"), answer or b"")
        return kept.answer or None

    async def _admit(self, message: InboundMessage, site: Site | None, door: Door) -> None:
        """Wait for the site's turn, and for the exchange to have room. Raises Unavailable, or TooLarge."""
        if self.backlog is not None:
            await self.backlog.admit()
        limited = site or Site(id=message.sender)
        await self.limits.admit(limited, len(message.raw), door.connection)

    def _with_charset(self, message: InboundMessage, header: Header, door: Door) -> InboundMessage:
        """A listener's character set stands in where neither the message nor the profile of its sender has one."""
        if not door.charset or header.declared or self.directory.says_charset(message.sender):
            return message
        return replace(message, default_charset=door.charset)

    async def _ask(self, queries: Queries, message: InboundMessage, header: Header, site: Site | None) -> bytes:
        """A query is answered at once, each time anew; the journal keeps the question, and never the answer."""
        told = await queries.answer(message.raw, header, site)
        kept = replace(
            message, site=site.id if site else "", state="kept" if told.code == "AA" else "rejected",
            acknowledgement=told.code, reason=told.reason,
        )  # fmt: skip
        await self.journal.append(kept, b"")
        return told.raw

    async def _reject(self, message: InboundMessage, header: Header | None, error: AdapterError) -> Receipt:
        code = error.acknowledgement
        answer = ack.acknowledge(header, code, error=error, clock=self.clock) or b""
        try:
            await self._keep(message, f"{error.text} {error.location}".strip(), answer, code)
        except PyMongoError:
            return self._not_kept(header)
        return Receipt(answer or None)

    def _not_kept(self, header: Header | None, error: Unavailable = AWAY, *, close: bool = False) -> Receipt:
        answer = ack.acknowledge(header, "AR", error=AdapterError(error.text), clock=self.clock)
        return Receipt(answer, kept=False, close=close)


def _header(raw: bytes) -> Header | None:
    try:
        return parser.read_header(raw)
    except NotUnderstood:
        return None
