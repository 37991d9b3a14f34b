"""
The answer to a message: MSA, and ERR where something is wrong; in the sender's version, separators and character set.

HL7 v2 chapter 2.9 (original and enhanced mode), 2.13.1 (ACK), 2.15.8 (MSA), 2.15.5 (ERR); tables 0008, 0155, 0357, 0516
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from adapters.errors import AdapterError
from adapters.hl7v2.escape import DEFAULT, EncodingCharacters, escape
from adapters.hl7v2.grammar.versions import USUAL, parts
from adapters.hl7v2.header import Header
from adapters.hl7v2.message import Finding

_ACCEPT = {"AA": "CA", "AE": "CE", "AR": "CR"}
_MOST_FINDINGS = 10
_LONGEST_ECHO = 250
# Also DEL and the C1 controls, which terminals and some engines obey.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
CONDITIONS = {
    "0": "Message accepted", "100": "Segment sequence error", "101": "Required field missing",
    "102": "Data type error", "103": "Table value not found", "200": "Unsupported message type",
    "201": "Unsupported event code", "202": "Unsupported processing id", "203": "Unsupported version id",
    "204": "Unknown key identifier", "205": "Duplicate key identifier", "206": "Application record locked",
    "207": "Application internal error",
}  # fmt: skip


def acknowledge(
    header: Header | None,
    code: str,
    *,
    error: AdapterError | None = None,
    findings: Sequence[Finding] = (),
    clock: Callable[[], datetime],
) -> bytes | None:
    """
    The answer with `code` AA, AE or AR; None where MSH-15 and MSH-16 ask for none.

    `error` and `findings` become ERR segments. `header` None: nothing of the message could be read, so nothing is
    echoed. In enhanced mode the accept acknowledgement (CA, CE, CR) is sent where MSH-15 asks for it, else the
    application acknowledgement where MSH-16 does.
    """
    answer = _code(header, code)
    if answer is None:
        return None
    reply = _Reply(header)
    segments = [reply.msh(clock()), reply.msa(answer, error)]
    segments += [reply.err(e.location, e.condition, "E", e.text) for e in (error,) if e]
    segments += [reply.err(f.location, f.condition, f.severity, f.text) for f in findings[:_MOST_FINDINGS]]
    return ("\r".join(segments) + "\r").encode(header.charset if header else "ascii", "replace")


def _code(header: Header | None, code: str) -> str | None:
    accept = header.accept_acknowledgement.upper() if header else ""
    application = header.application_acknowledgement.upper() if header else ""
    if not accept and not application:
        return code
    if _wanted(accept, code):
        return _ACCEPT[code]
    return code if _wanted(application, code) else None


def _wanted(condition: str, code: str) -> bool:
    """Table 0155. What is in no table asks for an answer: an unanswered sender stops."""
    good = code == "AA"
    return {"": False, "NE": False, "AL": True, "ER": not good, "SU": good}.get(condition, True)


def deferred(header: Header) -> str:
    """
    When the sender wants to hear of the outcome in a message of its own: AL, ER, SU; NE: never; "": it does not say.

    Where MSH-15 asks for nothing, MSH-16 was answered on the connection as in original mode, which is the same by
    chapter 2.9.3: later only a failure is news.
    """
    application = header.application_acknowledgement.upper()
    if application in ("", "NE"):
        return application
    if _wanted(header.accept_acknowledgement.upper(), "AA"):
        return application if application in ("ER", "SU") else "AL"
    return "NE" if application == "SU" else "ER"


def application_acknowledgement(
    header: Header, code: str, about: str, *, error: AdapterError | None = None, accept: str = "AL", now: datetime
) -> bytes:
    """
    AA, AE or AR of the message with the control id `about`, as a message that begins an exchange of its own.

    It asks for an accept acknowledgement as `accept` says (MSH-15), and never for another answer (MSH-16).
    """
    reply = _Reply(header)
    segments = [reply.msh(now, accept), reply.msa(code, error, about)]
    segments += [reply.err(e.location, e.condition, "E", e.text) for e in (error,) if e]
    return ("\r".join(segments) + "\r").encode(header.charset, "replace")


def sent_as(raw: bytes, codec: str, identity: str, now: datetime) -> bytes:
    """The same acknowledgement under another control id (MSH-10), of another time (MSH-7)."""
    line, _, rest = raw.decode(codec).partition("\r")
    fields = line.split(line[3])
    fields[6], fields[9] = now.strftime("%Y%m%d%H%M%S%z"), identity
    return f"{line[3].join(fields)}\r{rest}".encode(codec)


class _Reply:
    """Writes the segments of one answer."""

    def __init__(self, header: Header | None) -> None:
        self.header = header
        self.characters = header.characters if header else DEFAULT
        sent = header.version if header else ""
        self.version = sent if parts(sent) else USUAL

    def _join(self, name: str, fields: Sequence[str]) -> str:
        return self.characters.field.join((name, *fields)).rstrip(self.characters.field)

    def _components(self, *values: str) -> str:
        return (self.characters.component or "^").join(values)

    def _echo(self, position: int) -> str:
        return _CONTROLS.sub("", self.header.field(position))[:_LONGEST_ECHO] if self.header else ""

    def _text(self, text: str) -> str:
        return escape(text, self.characters) if self.characters.escape else _plain(text, self.characters)

    def msh(self, now: datetime, accept: str = "") -> str:
        """
        Sender and receiver change places; the character set is declared as the sender declared it.

        `accept` is MSH-15, which there is since 2.2; MSH-16 is NE then: nobody answers an answer.
        """
        asked = (accept, "NE") if accept and parts(self.version) >= (2, 2) else ("", "")
        identity = secrets.token_hex(10)
        return self._join("MSH", (
            self.characters.encoded, self._echo(5), self._echo(6), self._echo(3), self._echo(4),
            now.strftime("%Y%m%d%H%M%S%z"), "", self._type(), identity, self._processing(), self.version,
            "", "", *asked, "", self._echo(18),
        ))  # fmt: skip

    def _processing(self) -> str:
        """MSH-11 as sent; a value that no table has would make the refusal itself unreadable."""
        return self._echo(11) if self.header and self.header.processing_id in ("P", "T", "D") else "P"

    def _type(self) -> str:
        trigger = _CONTROLS.sub("", self.header.trigger)[:_LONGEST_ECHO] if self.header else ""
        if parts(self.version) < (2, 3) or not trigger:
            return "ACK"
        return (
            self._components("ACK", trigger, "ACK")
            if parts(self.version) > (2, 3)
            else self._components("ACK", trigger)
        )

    def msa(self, code: str, error: AdapterError | None, about: str | None = None) -> str:
        """MSA-3 tells why in versions whose ERR segment cannot."""
        text = self._text(error.text) if error and parts(self.version) < (2, 5) else ""
        named = self._echo(10).strip() if about is None else _CONTROLS.sub("", about)[:_LONGEST_ECHO]
        return self._join("MSA", (code, named, text))

    def err(self, location: str, condition: str, severity: str, text: str) -> str:
        """ERR of 2.5 and later says what and how bad; the older one says where and what."""
        where = location.split("^") if location else []
        meaning = CONDITIONS.get(condition, "")
        if parts(self.version) >= (2, 5):
            coded = self._components(condition, meaning, "HL70357")
            return self._join("ERR", ("", self._components(*where), coded, severity, "", "", "", self._text(text)))
        inner = (self.characters.subcomponent or "&").join((condition, meaning, "HL70357"))
        return self._join("ERR", (self._components(*(*where, "", "", "")[:3], inner),))


def _plain(text: str, characters: EncodingCharacters) -> str:
    """For a sender without an escape character: separators as blanks."""
    signs = characters.field + characters.encoded
    return text.translate(str.maketrans(signs, " " * len(signs)))
