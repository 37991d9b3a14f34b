"""
Who said it: the sender of the message that a resource came from, so that nothing goes back to where it came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hie.exchange.journal import Journal
from records.stored import Json

MESSAGE = "urn:hie:message:"


@dataclass(frozen=True, slots=True)
class Origins:
    """Reads meta.source, and the journal that it names."""

    journal: Journal

    async def of(self, resource: Json) -> str:
        """`APP|FACILITY` of the HL7 v2 message, else meta.source as it is; "" where nobody is named."""
        source = str(resource.get("meta", {}).get("source", ""))
        if not source.startswith(MESSAGE):
            return source
        entry = source.removeprefix(MESSAGE).partition("#")[0]
        found = await self.journal.collection.find_one({"_id": entry}, {"sender": 1})
        return str(found["sender"]) if found else source


def is_own(origin: str, own: Sequence[str]) -> bool:
    """Whether this origin is the receiver itself."""
    return any(_same(origin, one) for one in own)


def _same(origin: str, pattern: str) -> bool:
    if pattern.startswith("urn:"):
        return origin.startswith(pattern)
    application, _, facility = pattern.partition("|")
    if "|" not in origin or not facility:
        return False
    sent, _, place = origin.partition("|")
    return facility == place and application in ("*", sent)
