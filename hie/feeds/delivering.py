"""
One message to one receiver: decided, written into the trail, sent, and settled by its answer.

What goes wrong with the receiver makes it wait, for ever and in order; what goes wrong with one message is set aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Any

import structlog

from adapters.hl7v2.ack import sent_as
from adapters.hl7v2.from_fhir.writing import Envelope, NotWritable
from hie.access.gate import Gate
from hie.audit.events import Entry
from hie.audit.trail import AuditTrail
from hie.feeds.answers import ANSWER
from hie.feeds.building import build
from hie.feeds.gathering import Gathering, Material, Withheld
from hie.feeds.policy import PATIENCE, Patience
from hie.feeds.registry import Feed, Feeds, control_of
from hie.feeds.sending import Connection, Outcome
from hie.identity.registry import ClientRegistry
from records.resource_store import ResourceStore

Document = dict[str, Any]
_log = structlog.get_logger("hie.feeds")


@dataclass(frozen=True, slots=True)
class Delivering:
    """Collaborators of a delivery."""

    feeds: Feeds
    store: ResourceStore
    registry: ClientRegistry
    gate: Gate
    audit: AuditTrail
    patience: Patience = PATIENCE

    async def step(self, feed: Feed, owner: str, connection: Connection) -> Outcome | None:
        """The next message that can be sent; None where there is none now."""
        message = await self.feeds.head(feed.name)
        if message is None or not await self.feeds.claim(message, owner, self._lease(feed)):
            return None
        message = await self.feeds.begin(message)
        try:
            return await self._send(feed, message, owner, connection)
        except Exception as error:
            # The database or the trail is away, or a fault of ours: nothing overtakes it meanwhile.
            pause = self.patience.pause(message["tries"])
            await self.feeds.postpone(message, owner, pause, type(error).__name__)
            raise

    def _lease(self, feed: Feed) -> float:
        """Connect, post and answer may each take their time."""
        return 3 * feed.profile.timeout + self.patience.margin

    async def _send(self, feed: Feed, message: Document, owner: str, connection: Connection) -> Outcome:
        try:
            raw, material = await self._made(feed, message)
        except Withheld:
            return await self._settled(message, owner, "withheld", Outcome("done"))
        except NotWritable as error:
            return await self._settled(message, owner, "dead", Outcome("done", reason=error.text))
        if raw is None:
            return await self._settled(message, owner, "skipped", Outcome("done"))
        if material is not None:
            await self._tell(feed, message, material)
        # Whoever has lost its lanes sends nothing.
        if not await self.feeds.extend(message, owner, self._lease(feed)):
            return Outcome("busy", reason="the lease was lost")
        outcome = await connection.send(raw, control_of(message))
        await self._late(feed, connection)
        return await self._after(message, owner, outcome)

    async def _made(self, feed: Feed, message: Document) -> tuple[bytes | None, Material | None]:
        """The bytes, and what they disclose; an acknowledgement discloses nothing."""
        profile, made = feed.profile, message["made"].astimezone(UTC)
        if message["type"] == ANSWER:
            return sent_as(bytes(message["raw"]), message["codec"], control_of(message), made), None
        material = await Gathering(self.store, self.gate, self.registry).material(
            profile.caller, message, profile.known
        )
        return build(profile.receiver, Envelope(control_of(message), made), message, material), material

    async def _tell(self, feed: Feed, message: Document, material: Material) -> None:
        """The trail first; Unavailable where it cannot be written, and then nothing is sent."""
        if message["told"]:
            return
        request = f"Feed/{feed.name}/{control_of(message)}"
        rows = {material.row.reference: material.row} | material.rows
        await self.audit.record(
            [
                Entry(
                    "notification", feed.profile.caller, row.type, row.id, row.version, patient,
                    address=feed.profile.host, request_id=request,
                )
                for row in rows.values()
                for patient in row.patients or ("",)
                if row.patients
            ]
        )  # fmt: skip
        await self.feeds.mark_told(message)

    async def _late(self, feed: Feed, connection: Connection) -> None:
        for one in connection.late:
            if one.outcome.kind in ("refused", "busy"):
                await self.feeds.late_refusal(feed.name, one.control, one.outcome.reason)
        connection.late.clear()

    async def _after(self, message: Document, owner: str, outcome: Outcome) -> Outcome:
        if outcome.kind == "done":
            return await self._settled(message, owner, "sent", outcome)
        if outcome.kind == "refused":
            return await self._settled(message, owner, "dead", outcome)
        pause = self.patience.pause(message["tries"])
        await self.feeds.postpone(message, owner, pause, outcome.reason)
        _log.info("message waits", feed=message["feed"], id=message["event"], reason=outcome.reason)
        return outcome

    async def _settled(self, message: Document, owner: str, state: str, outcome: Outcome) -> Outcome:
        await self.feeds.settle(message, owner, state, code=outcome.code, reason=outcome.reason)
        if state == "dead":
            _log.warning("dead letter", feed=message["feed"], id=message["event"], reason=outcome.reason)
        return outcome
