"""
Whether the sender of a message is told what became of it, and what: the application acknowledgement of enhanced mode.

HL7 v2 chapter 2.9.3, table 0155. Who writes and sends it is no matter of the exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from pymongo.asynchronous.client_session import AsyncClientSession

from hie.exchange.outcomes import Outcome


class Answering(Protocol):
    """Who tells senders what became of their messages."""

    async def prepare(self, outcomes: Sequence[Outcome]) -> tuple[Sequence[Outcome], Sequence[Any]]:
        """The outcomes with what is noted of their answers, and the answers."""
        ...

    async def queue(self, answers: Sequence[Any], *, session: AsyncClientSession) -> None:
        """Keep answers that are to be sent, in the transaction of the outcomes."""
        ...


def wanted(outcome: Outcome, *, failures: bool) -> str:
    """
    AA, AE or AR; "" where the sender wants to hear nothing, or nothing new.

    `failures`: who says nothing in MSH-16 is told of failures, too. AA is the last word; after AE comes AA when the
    message ends well later, for whom AA is not ruled out by MSH-16 (ER).
    """
    message, good = outcome.message, outcome.good
    if message.told == "AA" or (message.told and not good):
        return ""
    conditions = {"AL": True, "SU": good, "ER": not good, "NE": False}
    unasked = failures and (not good or bool(message.told))
    if not conditions.get(message.application, unasked):
        return ""
    if good:
        return "AA"
    return outcome.error.acknowledgement if outcome.error else "AE"
