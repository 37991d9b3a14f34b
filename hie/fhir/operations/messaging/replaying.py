"""
Messages of the journal once more, by the channel they came in: HL7 v2 through its pipeline, FHIR as it was filed.

https://hl7.org/fhir/R4/messaging.html#reliable
"""

from __future__ import annotations

from dataclasses import dataclass

from hie.exchange.inbound import InboundMessage
from hie.exchange.pipeline import Pipeline
from hie.fhir.operations.messaging.filing import Messages
from hie.fhir.operations.messaging.reading import read_header, read_message


@dataclass(frozen=True, slots=True)
class ByChannel:
    """What a worker carries out for each pending entry."""

    pipeline: Pipeline
    messages: Messages
    most: int

    async def __call__(self, entry: InboundMessage) -> object:
        """Raises what kept it from getting there."""
        if entry.channel != "fhir":
            return await self.pipeline(entry)
        message = read_message(entry.raw, read_header(entry.raw), entry.received.date(), self.most)
        await self.messages.again(message, entry)
        return message
