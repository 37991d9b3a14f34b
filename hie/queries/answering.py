"""
The answer to a query: RSP or its older kin, in the asker's version, separators and character set.

HL7 v2 chapter 5.4 and 5.5; table 0208 (OK, NF, AE, TM)
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.errors import AdapterError
from adapters.hl7v2 import ack
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.writing import AsSent, Envelope, Field, Line, write
from adapters.hl7v2.grammar.versions import USUAL, parts
from adapters.hl7v2.header import Header
from adapters.hl7v2.message import Segment
from hie.audit.events import Entry
from hie.queries.asking import NotAnswered, Question
from records.stored import Stored

# MSH-9 of the answer to each query: code, trigger, structure.
ANSWERS: dict[str, tuple[str, str, str]] = {
    "QBP^Q11": ("RSP", "K11", "RSP_K11"),
    "QBP^Q21": ("RSP", "K21", "RSP_K21"),
    "QBP^Q22": ("RSP", "K22", "RSP_K21"),
    "QBP^Q23": ("RSP", "K23", "RSP_K23"),
    "QBP^Q24": ("RSP", "K24", "RSP_K24"),
    "QRY^A19": ("ADR", "A19", "ADR_A19"),
    "QRY^R02": ("ORF", "R04", "ORF_R04"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """
    What a query found: segments of each answer, the rows that they disclose, how many there are in all.

    `status` is QAK-2; `pointer` where to go on; `profile` MSH-21.
    """

    lines: Sequence[Line] = ()
    rows: Sequence[Stored] = ()
    status: str = "OK"
    total: int = 0
    here: int = 0
    left: int = 0
    pointer: str = ""
    profile: tuple[str, ...] = ()


NOTHING = Found(status="NF")


def answer(question: Question, found: Found, now: datetime) -> bytes:
    """The answer with what was found; NotWritable where the asker's character set has no signs for it."""
    return _write(question, found, [_msa(question, "AA")], now)


def refusal(question: Question, error: NotAnswered, now: datetime, code: str = "AE") -> bytes:
    """The answer that says what is wrong with the query."""
    lines = [_msa(question, code, error.text), _err(question, error)]
    return _write(question, Found(status="AR" if code == "AR" else "AE"), lines, now)


def generic(header: Header, code: str, error: AdapterError | None, now: datetime) -> bytes:
    """The plain acknowledgement of a query that has no answer of its own kind."""
    return ack.acknowledge(_always(header), code, error=error, clock=lambda: now) or b""


def _always(header: Header) -> Header:
    """A query is answered, whatever MSH-15 and MSH-16 say."""
    return Header(header.fields[:14], header.characters, header.charset, header.declared)


def _write(question: Question, found: Found, first: Sequence[Line], now: datetime) -> bytes:
    code, trigger, structure = ANSWERS[question.message.type]
    lines = [*first, *_query(question, found), *found.lines]
    if found.pointer:
        lines.append(Line("DSC", {1: found.pointer, 2: "I"}))
    envelope = Envelope(secrets.token_hex(10).upper(), now, found.profile, structure)
    return write(receiver_of(question.header), envelope, code, trigger, lines)


def receiver_of(header: Header) -> Receiver:
    """Whoever asked, as a receiver: sender and receiver change places."""
    version = header.version if parts(header.version) else USUAL
    return Receiver(
        header.part(3), header.part(4), header.part(5) or "HIE", header.part(6) or "REGION", version,
        header.declared or _charset(header.charset), bool(header.declared), header.characters,
        header.processing_id or "P",
    )  # fmt: skip


def _charset(codec: str) -> str:
    names = {"utf-8": "UNICODE UTF-8", "gb18030": "GB 18030-2000", "big5": "BIG-5", "ascii": "ASCII"}
    return names.get(codec, "8859/1")


def _msa(question: Question, code: str, text: str = "") -> Line:
    old = parts(receiver_of(question.header).grammar) < (2, 5)
    return Line("MSA", {1: code, 2: AsSent(question.header.control_id), 3: text if old else ""})


def _err(question: Question, error: NotAnswered) -> Line:
    where: Field = tuple(error.location.split("^")) if error.location else ""
    meaning = ack.CONDITIONS.get(error.condition, "")
    if receiver_of(question.header).since("2.5"):
        return Line("ERR", {2: where, 3: (error.condition, meaning, "HL70357"), 4: "E", 8: error.text})
    place = (*(where if isinstance(where, tuple) else ()), "", "", "")[:3]
    return Line("ERR", {1: (*map(str, place), (error.condition, meaning, "HL70357"))})


def _query(question: Question, found: Found) -> list[Line]:
    """QAK and the query itself, as it was asked."""
    counts: dict[int, Field] = {4: str(found.total), 5: str(found.here), 6: str(found.left)} if found.total else {}
    name = AsSent(question.definition.raw(1)) if question.definition.name == "QPD" else ""
    qak = Line("QAK", {1: AsSent(question.tag), 2: found.status, 3: name, **counts})
    echoed = [_echo(question.definition)] if question.definition.fields else []
    if question.definition.name == "QPD":
        return [qak, *echoed]
    echoed += [_echo(segment) for segment in question.message.all("QRF")]
    return echoed


def _echo(segment: Segment) -> Line:
    return Line(segment.name, {at: AsSent(text) for at, text in enumerate(segment.raw_fields, 1)})


def disclosures(question: Question, found: Found, status: int = 200) -> list[Entry]:
    """A line of the trail for the query and each patient whose data it shows."""
    query = f"{question.message.type}?{question.definition.name}={'|'.join(question.definition.raw_fields)}"
    of_patients = {patient: row.type for row in found.rows for patient in row.patients}
    return [
        Entry(
            "search", question.caller, kind, patient=patient, status=status, query=query,
            request_id=question.header.control_id, address=question.address,
        )
        for patient, kind in (of_patients or {"": "Patient"}).items()
    ]  # fmt: skip
