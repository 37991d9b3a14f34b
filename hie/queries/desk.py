"""
Where queries are answered: what is asked, decided, found, written into the trail, and told; never silence.

A query that nobody answers gets AE or AR with the condition of table 0357.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from adapters.errors import AdapterError, Unsupported
from adapters.hl7v2 import parser
from adapters.hl7v2.from_fhir.writing import NotWritable
from adapters.hl7v2.header import Header
from adapters.hl7v2.site import Site
from hie.access.caller import Caller
from hie.access.gate import Gate
from hie.audit.trail import AuditTrail
from hie.errors import HieError, Refused
from hie.exchange.database import Client
from hie.exchange.ids import Clock
from hie.identity.registry import ClientRegistry
from hie.queries.answering import ANSWERS, Found, answer, disclosures, generic, refusal
from hie.queries.asking import INTERNAL, NotAnswered, Question
from hie.queries.callers import Callers
from hie.queries.immunizations import Immunizations
from hie.queries.original import Original
from hie.queries.patients import Patients
from hie.queries.pdq import Demographics
from hie.queries.pix import Pix, allocate
from hie.settings import Settings
from records.resource_store import ResourceStore

# Message codes that ask; what they ask may still be nothing that is answered here.
CODES = frozenset({"QBP", "QRY", "QSB", "QVR", "QCN", "QSX", "SPQ", "VQQ", "RQQ", "EQQ", "OSQ"})
_log = structlog.get_logger("hie.queries")
Answer = Callable[[Question], Awaitable[Found]]


@dataclass(frozen=True, slots=True)
class Told:
    """The answer and its code (AA, AE, AR)."""

    raw: bytes
    code: str
    reason: str = ""


class Queries:
    """Answers, in any process that takes messages."""

    def __init__(
        self, settings: Settings, client: Client, store: ResourceStore, registry: ClientRegistry, gate: Gate,
        audit: AuditTrail, clock: Clock,
    ) -> None:  # fmt: skip
        patients = Patients(client, settings.database_prefix, store, registry, gate)
        people, old = Demographics(patients), Original(patients)
        self._answers: Mapping[str, Answer] = {
            "QBP^Q11": Immunizations(patients),
            "QBP^Q21": people.one,
            "QBP^Q22": people.candidates,
            "QBP^Q23": Pix(patients),
            "QBP^Q24": allocate,
            "QRY^A19": old.patient,
            "QRY^R02": old.results,
        }
        self._settings, self._callers, self._audit, self._clock = settings, Callers(store), audit, clock

    def wants(self, header: Header) -> bool:
        """True for a message that asks."""
        return header.code in CODES

    async def answer(self, raw: bytes, header: Header, site: Site | None, address: str = "") -> Told:
        """The answer to a query; whatever goes wrong is said in it."""
        now = self._clock()
        try:
            return await self._answer(raw, header, site, address, now)
        except AdapterError as error:
            code = error.acknowledgement
            return Told(generic(header, code, error, now), code, error.text)
        except Exception as error:
            # Ours: the asker may ask again, and hears so.
            _log.error("query not answered", type=header.type, error=type(error).__name__)
            failure = AdapterError("The exchange could not answer; ask again.", condition=INTERNAL)
            return Told(generic(header, "AR", failure, now), "AR", type(error).__name__)

    async def _answer(self, raw: bytes, header: Header, site: Site | None, address: str, now: datetime) -> Told:
        if site is None or (site.provisional and self._settings.mode == "production"):
            raise AdapterError("Queries are answered to registered senders.", location="MSH^1^3", condition="204")
        message = parser.parse(raw, site=site)
        if message.code == "QCN":
            # Nothing is held for who goes on with a query, so there is nothing to let go.
            return Told(generic(header, "AA", None, now), "AA")
        if message.type not in ANSWERS:
            condition = "201" if header.code in ("QBP", "QRY") else "200"
            raise Unsupported("This query is not answered here.", location="MSH^1^9", condition=condition)
        caller: Caller = await self._callers.of(site, header.sender)
        return await self._told(Question(header, message, site, caller, address), now)

    async def _told(self, question: Question, now: datetime) -> Told:
        try:
            found = await self._answers[question.message.type](question)
            raw = answer(question, found, now)
        except NotAnswered as error:
            return await self._refused(question, error, now, "AE", 404)
        except Refused as error:
            return await self._refused(question, NotAnswered(error.text, condition=INTERNAL), now, "AE", 403)
        except (Unsupported, NotWritable) as error:
            wrong = NotAnswered(error.text, location=error.location, condition=error.condition)
            return await self._refused(question, wrong, now, error.acknowledgement, 422)
        except HieError as error:
            return await self._refused(question, NotAnswered(error.text, condition=INTERNAL), now, "AR", 503)
        # The trail first; where it cannot be written nothing leaves.
        await self._audit.record(disclosures(question, found))
        return Told(raw, "AA")

    async def _refused(self, question: Question, error: NotAnswered, now: datetime, code: str, status: int) -> Told:
        await self._audit.record(disclosures(question, Found(), status))
        return Told(refusal(question, error, now, code), code, error.text)
