"""
A query as it was asked: what kind, under which name, how much at once, where to go on; and the errors of an answer.

HL7 v2 chapter 5.5 (QPD, RCP, DSC), 5.10 (QRD, QRF)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from adapters.hl7v2.header import Header
from adapters.hl7v2.message import Message, Segment
from adapters.hl7v2.site import Site
from adapters.hl7v2.to_fhir.times import Times
from hie.access.caller import Caller
from hie.errors import SenderError

MOST = 500
UNKNOWN_KEY, TABLE, REQUIRED, INTERNAL = "204", "103", "101", "207"


class NotAnswered(SenderError):
    """What is wrong with a query: AE, with the place and the condition of table 0357."""

    def __init__(self, text: str, *, location: str = "", condition: str = UNKNOWN_KEY) -> None:
        super().__init__(text)
        self.location, self.condition = location, condition


@dataclass(frozen=True)
class Question:
    """One query: its message, who asks, and in whose name it is decided."""

    header: Header
    message: Message
    site: Site
    caller: Caller
    address: str = ""

    @property
    def trigger(self) -> str:
        return self.message.trigger

    @cached_property
    def definition(self) -> Segment:
        """QPD, or QRD of the original mode."""
        qpd = self.message.first("QPD")
        return qpd if qpd.fields else self.message.first("QRD")

    @property
    def name(self) -> str:
        """QPD-1.1: `Z34`, `IHE PDQ Query`."""
        return self.definition.text(1).strip() if self.definition.name == "QPD" else ""

    @property
    def tag(self) -> str:
        """QPD-2, or QRD-4: what the asker calls this query."""
        return self.definition.raw(2 if self.definition.name == "QPD" else 4)

    @property
    def most(self) -> int:
        """RCP-2, or QRD-7: so many at once; 0 where nothing is asked for."""
        rcp = self.message.first("RCP")
        said = rcp.text(2) if rcp.fields else self.message.first("QRD").text(7)
        return max(0, min(int(said), MOST)) if said.strip().isdecimal() else 0

    @property
    def pointer(self) -> str:
        """DSC-1: after which answer to go on."""
        return self.message.first("DSC").text(1).strip()

    @cached_property
    def times(self) -> Times:
        """How times of this message are read."""
        return Times.of(self.message.header.text(7), self.site.zone)
