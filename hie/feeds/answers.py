"""
What senders are told of their messages: the application acknowledgement, written with the outcome, sent as a feed's.

HL7 v2 chapter 2.9.3 (enhanced mode), 2.13.1 (ACK), 8.4.1 (MFK)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import structlog
from pymongo.asynchronous.client_session import AsyncClientSession

from adapters.errors import AdapterError
from adapters.hl7v2 import parser
from adapters.hl7v2.ack import application_acknowledgement
from adapters.hl7v2.header import Header
from adapters.hl7v2.master_ack import TRANSLATED, master_file_answer
from adapters.hl7v2.site import Site
from hie.directory.answers import Answers
from hie.directory.senders import slug
from hie.directory.sites import Directory
from hie.exchange.answering import wanted
from hie.exchange.ids import Clock, Ids, now
from hie.exchange.inbound import InboundMessage
from hie.exchange.outcomes import Outcome
from hie.feeds.profile import ANSWERS
from hie.feeds.registry import Feeds

Document = dict[str, Any]
# The type of a message that is made already; `resource` is then the journal entry that it answers.
ANSWER = "message"
NO_ADDRESS = "The sender asks for an application acknowledgement; its profile has no address for it"
NOT_WRITTEN = "An application acknowledgement could not be written"
_log = structlog.get_logger("hie.feeds")


def feed_of(sender: str) -> str:
    """The feed of the answers to a sender."""
    return f"{ANSWERS}{slug(sender)}"


class AnswerQueue:
    """What the journal asks when a message has come to its end."""

    def __init__(self, feeds: Feeds, directory: Directory, *, clock: Clock = now) -> None:
        self._feeds, self._directory, self._clock, self._ids = feeds, directory, clock, Ids(clock)

    async def prepare(self, outcomes: Sequence[Outcome]) -> tuple[Sequence[Outcome], Sequence[Document]]:
        """The outcomes with what is noted of their answers, and the answers."""
        noted, answers = [], []
        for outcome in outcomes:
            done, answer = await self._one(outcome) if outcome.may_be_told else (outcome, None)
            noted.append(done)
            answers += [answer] if answer else []
        return noted, answers

    async def queue(self, answers: Sequence[Document], *, session: AsyncClientSession) -> None:
        """Keep answers that are to be sent, in the transaction of the outcomes."""
        await self._feeds.put(answers, session=session)

    async def _one(self, outcome: Outcome) -> tuple[Outcome, Document | None]:
        where = await self._directory.answers_for(outcome.message.sender)
        code = wanted(outcome, failures=where is not None and where.when == "failed")
        if not code:
            return outcome, None
        if where is None:
            return replace(outcome, remarks=(*outcome.remarks, NO_ADDRESS)), None
        try:
            return replace(outcome, told=code), await self._document(outcome, code, where)
        except AdapterError:
            # Whatever kept it from being read must not keep it from its end.
            _log.warning("no answer", message=outcome.message.id)
            return replace(outcome, remarks=(*outcome.remarks, NOT_WRITTEN)), None

    async def _document(self, outcome: Outcome, code: str, where: Answers) -> Document:
        message, event = outcome.message, self._ids.next()
        header = parser.read_header(message.raw)
        raw = application_acknowledgement(
            header, code, await self._asked_about(message), error=outcome.error, accept=where.accept, now=self._clock()
        )
        feed = feed_of(message.sender)
        return {
            "_id": f"{feed}/{event}", "feed": feed, "event": event, "type": ANSWER, "resource": message.id,
            "version": 1, "at": self._clock(), "code": "ACK", "trigger": header.trigger or code, "lanes": [0],
            "state": "waiting", "generation": 0, "tries": 0, "told": True, "made": None,
            "raw": await self._with_entries(raw, message, header), "codec": header.charset,
        }  # fmt: skip

    async def _asked_about(self, message: InboundMessage) -> str:
        """MSH-10 as the sender sent it, whatever a person made of the message since."""
        control, before = message.control_id, message.replaces
        while before:
            found = await self._feeds.journal.find_one({"_id": before}, {"control": 1, "replaces": 1}) or {}
            control, before = str(found.get("control", control)), str(found.get("replaces", ""))
        return control

    async def _with_entries(self, raw: bytes, message: InboundMessage, header: Header) -> bytes:
        """A master file that was filed is answered by MFK."""
        if message.type not in TRANSLATED or b"MSA" + raw[3:4] + b"AA" not in raw:
            return raw
        site = await self._directory.site_for(message.sender) or Site(id=message.sender)
        parsed = parser.parse(message.raw, site=message.read_by(site))
        return master_file_answer(raw, header, parsed, self._clock()) or raw
