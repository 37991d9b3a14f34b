"""
MFK, the application answer to a master file (MFN): what becomes of each entry, MFA by MFE, as MFI-6 asks.

HL7 v2 chapter 8.4.1 (MFK), 8.5.3 (MFA); tables 0179 (response level) and 0181 (record-level error return)
"""

from __future__ import annotations

from datetime import datetime

from adapters.hl7v2.escape import EncodingCharacters, without_controls
from adapters.hl7v2.header import Header
from adapters.hl7v2.message import Message, Segment
from adapters.hl7v2.to_fhir.resources.master_entry import ACTIONS

TRANSLATED = frozenset({"MFN^M02", "MFN^M05"})
_APPLICATION = ("AA", "AE")


def master_file_answer(answer: bytes | None, header: Header, message: Message, now: datetime) -> bytes | None:
    """
    The acknowledgement of a master file as MFK; any other, and an accept acknowledgement (CA), as it is.

    An entry is S where it is kept and will be applied in its turn, as AA says of a message; U where nobody can apply
    it: its event code is unknown, or it has no key.
    """
    if not answer or message.type not in TRANSLATED:
        return answer
    segments = answer.decode(header.charset).rstrip("\r").split("\r")
    field, component = header.characters.field, header.characters.component or "^"
    if segments[1].split(field)[1] not in _APPLICATION:
        return answer
    segments[0] = _typed(segments[0], field, component.join(("MFK", message.trigger, "MFK_M01")))
    lines = [segments[0], segments[1], _echo(message.first("MFI"), 6, field)]
    lines += [_entry(mfe, header.characters, now) for mfe in message.all("MFE") if _wanted(message, mfe)]
    return ("\r".join([*lines, *segments[2:]]) + "\r").encode(header.charset, "replace")


def _typed(msh: str, field: str, kind: str) -> str:
    parts = msh.split(field)
    parts[8] = kind
    return field.join(parts)


def _echo(segment: Segment, fields: int, field: str) -> str:
    told = (without_controls(segment.raw(at)) for at in range(1, fields + 1))
    return field.join((segment.name, *told)).rstrip(field)


def _applicable(mfe: Segment) -> bool:
    return mfe.text(1).strip().upper() in ACTIONS and bool(mfe[4])


def _wanted(message: Message, mfe: Segment) -> bool:
    """MFI-6: always, never, in error, or in success."""
    good = _applicable(mfe)
    level = message.first("MFI").text(6).strip().upper()
    return {"NE": False, "ER": not good, "SU": good}.get(level, True)


def _entry(mfe: Segment, characters: EncodingCharacters, now: datetime) -> str:
    state = ("S", "Successful") if _applicable(mfe) else ("U", "Unsuccessful")
    told = (characters.component or "^").join((*state, "HL70181"))
    sent = {at: without_controls(mfe.raw(at)) for at in (1, 2, 4, 5)}
    fields = ("MFA", sent[1], sent[2], now.strftime("%Y%m%d%H%M%S%z"), told, sent[4], sent[5])
    return characters.field.join(fields).rstrip(characters.field)
