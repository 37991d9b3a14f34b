"""
What became of a message, and how the journal keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import UpdateOne

from adapters.errors import AdapterError
from hie.exchange.inbound import InboundMessage, State

GOOD: tuple[State, ...] = ("committed", "kept")


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of a message.

    `error` is what the sender of a dead letter may be told: where, and why. `told` is what it is told with this
    outcome, AA, AE or AR; "" nothing.
    """

    message: InboundMessage
    state: State
    reason: str = ""
    remarks: Sequence[str] = ()
    unmapped: Sequence[Mapping[str, str]] = ()
    error: AdapterError | None = None
    told: str = ""

    @property
    def good(self) -> bool:
        """Its facts are in the stores, or there was nothing to translate."""
        return self.state in GOOD

    @property
    def may_be_told(self) -> bool:
        """Whether it is worth asking if the sender wants to hear of it."""
        message = self.message
        if message.application in ("AL", "ER", "SU") or message.told:
            return True
        return self.state == "dead" and message.channel != "fhir"

    def change(self, at: datetime) -> UpdateOne:
        """As it is written, where the message is still pending."""
        change: dict[str, Any] = {"state": self.state, "reason": self.reason, "done": at}
        if self.remarks:
            change["remarks"] = list(dict.fromkeys((*self.message.remarks, *self.remarks)))
        if self.told:
            change["told"] = self.told
        # A message that was replayed may have found a mapping for everything that it lacked.
        if self.unmapped or self.message.attempts:
            change["unmapped"] = list(self.unmapped)
        return UpdateOne(
            {"_id": self.message.id, "state": "pending"},
            # 1: to be counted; 2: counted, and stays so when the message is replayed.
            {"$set": change, "$inc": {"attempts": 1}} | ({"$max": {"unmapped_state": 1}} if self.unmapped else {}),
        )
