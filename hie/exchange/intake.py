"""
Intake: keep what came, say what was wrong with it, and answer only when it is durable.

HL7 v2 chapter 2.9 (AA, AE, AR; CA, CE, CR) and 2.10.3 (batches). MLLP and HL7 over HTTP use the same door.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from pymongo.errors import PyMongoError

from adapters.errors import AdapterError, NotUnderstood, TooLarge, Unsupported
from adapters.hl7v2 import acceptance, ack, batch, parser
from adapters.hl7v2.header import Header
from adapters.hl7v2.master_ack import master_file_answer
from adapters.hl7v2.site import Site
from hie.directory.sites import Directory
from hie.errors import Unavailable
from hie.exchange.ids import Clock, now
from hie.exchange.inbound import Channel, InboundMessage
from hie.exchange.journal import Journal
from hie.exchange.lanes import lane_of
from hie.settings import Settings

UNKNOWN = "unknown sender: waits for onboarding"
CONNECTION_ENDED = "The connection ended inside the message."


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
class Intake:
    """`accept` is the only way in for HL7 v2."""

    journal: Journal
    directory: Directory
    settings: Settings
    clock: Clock = now
    queries: Queries | None = None

    async def accept(self, frame: Arrival, channel: Channel) -> bytes | None:
        """
        Keep and answer one frame; None where no answer can or should be given.

        An answer means durable: where the journal cannot be written it is AR, send again.
        """
        if frame.problem == "truncated":
            await self._keep(self._arrived(frame.data, channel), CONNECTION_ENDED, b"")
            return None
        if frame.truncated or len(frame.data) > self.settings.mllp_max_bytes:
            return await self._refuse(frame, channel)
        messages = batch.split(frame.data)
        if len(messages) == 1:
            return await self._one(messages[0], channel) or None
        answers = [await self._one(message, channel) for message in messages]
        return b"".join(answer for answer in answers if answer) or None

    def _arrived(self, raw: bytes, channel: Channel, header: Header | None = None) -> InboundMessage:
        message = InboundMessage(self.journal.next_id(), channel, self.clock(), raw)
        if header is None:
            return message
        lanes = self.settings.lanes
        lane = lane_of(header.sender, header.lane_key, lanes)
        other = lane_of(header.sender, header.other_patient_key, lanes) if header.other_patient_key else lane
        return replace(
            message, sender=header.sender, control_id=header.control_id, type=header.type, charset=header.charset,
            lane=lane, other_lane=other if other != lane else None,
        )  # fmt: skip

    async def _keep(self, message: InboundMessage, reason: str, answer: bytes, code: str = "") -> None:
        await self.journal.append(replace(message, state="rejected", reason=reason, acknowledgement=code), answer)

    async def _refuse(self, frame: Arrival, channel: Channel) -> bytes | None:
        """Too large: kept as far as it came, and refused."""
        error = TooLarge(f"The message has {frame.total} bytes; at most {self.settings.mllp_max_bytes} are taken.")
        header = _header(frame.data)
        message = replace(self._arrived(frame.data, channel, header), size=frame.total)
        return await self._reject(message, header, error)

    async def _one(self, raw: bytes, channel: Channel) -> bytes | None:
        """One message: understood, addressed, kept, answered."""
        header = _header(raw)
        message = self._arrived(raw, channel, header)
        try:
            if header is None:
                raise NotUnderstood(
                    "The message does not begin with a readable MSH segment.", location="MSH", condition="100"
                )
            return await self._take(message, header)
        except AdapterError as error:
            return await self._reject(message, header, error)
        except PyMongoError:
            return _answer(header, "AR", Unavailable("The journal cannot be written; send again."), self.clock)

    async def _take(self, message: InboundMessage, header: Header) -> bytes | None:
        if header.processing_id in ("T", "D") and self.settings.mode == "production":
            raise Unsupported("Test and debugging messages are not taken here.", location="MSH^1^11", condition="202")
        site = await self.directory.site_for(message.sender)
        if self.queries is not None and self.queries.wants(header):
            return await self._ask(self.queries, message, header, site)
        answer = ack.acknowledge(header, "AA", clock=self.clock)
        if site is None:
            message = replace(message, state="quarantined", remarks=(UNKNOWN,))
        else:
            acceptance.check(header, site)
            parsed = parser.parse(message.raw, site=site)
            answer = master_file_answer(answer, header, parsed, self.clock())
            message = replace(message, site=site.id)
        kept = await self.journal.append(replace(message, acknowledgement="AA"), answer or b"")
        return kept.answer or None

    async def _ask(self, queries: Queries, message: InboundMessage, header: Header, site: Site | None) -> bytes:
        """A query is answered at once, each time anew; the journal keeps the question, and never the answer."""
        told = await queries.answer(message.raw, header, site)
        kept = replace(
            message, site=site.id if site else "", state="kept" if told.code == "AA" else "rejected",
            acknowledgement=told.code, reason=told.reason,
        )  # fmt: skip
        await self.journal.append(kept, b"")
        return told.raw

    async def _reject(self, message: InboundMessage, header: Header | None, error: AdapterError) -> bytes | None:
        code = error.acknowledgement
        answer = ack.acknowledge(header, code, error=error, clock=self.clock) or b""
        try:
            await self._keep(message, f"{error.text} {error.location}".strip(), answer, code)
        except PyMongoError:
            return _answer(header, "AR", Unavailable("The journal cannot be written; send again."), self.clock)
        return answer or None


def _header(raw: bytes) -> Header | None:
    try:
        return parser.read_header(raw)
    except NotUnderstood:
        return None


def _answer(header: Header | None, code: str, problem: Unavailable, clock: Clock) -> bytes | None:
    return ack.acknowledge(header, code, error=AdapterError(problem.text), clock=clock)
