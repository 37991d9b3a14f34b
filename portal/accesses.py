"""
The audit trail as a resident reads it: who, in which role, from where, why, what, when, in an emergency or not.

One look of a person makes several AuditEvents (one a search and source); here they are one line. Pure.
https://profiles.ihe.net/ITI/BALP/, https://hl7.org/fhir/R4/auditevent.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from portal.concepts import Json, code_of, codings
from portal.events import moment_of
from portal.words import ACTIONS, OPENED, OTHER, PURPOSES, ROLES, TRANSFER

EMERGENCY = "110127"
EMERGENCY_PURPOSES = frozenset({"ETREAT", "BTG"})
SAME_LOOK = timedelta(minutes=30)
PROVIDER = "PROV"
DONE = ("U", "C", "D")
TRANSFERS = frozenset({"transaction", "batch"})


@dataclass(frozen=True, slots=True)
class Access:
    """One look at the record, or one change. `when` is its last moment, `times` how many requests it was."""

    when: str
    person: str
    role: str
    facility: str
    purpose: str
    reason: str
    opened: tuple[str, ...]
    action: str
    emergency: bool
    refused: bool
    times: int = 1
    transfer: bool = False

    def same(self, other: Access) -> bool:
        """Whether both belong to one look: the same person, for the same reason, at about the same time."""
        mine = (self.person, self.role, self.facility, self.purpose, self.reason, self.emergency, self.refused)
        theirs = (other.person, other.role, other.facility, other.purpose, other.reason, other.emergency, other.refused)
        apart = abs(moment_of(self.when) - moment_of(other.when))
        return mine == theirs and self.kind == other.kind and apart <= SAME_LOOK

    @property
    def kind(self) -> str:
        """transfer, change or look."""
        return "transfer" if self.transfer else "change" if self.action in DONE else "look"

    @property
    def action_word(self) -> str:
        return TRANSFER if self.transfer else ACTIONS.get(self.action, ACTIONS["R"])


def accesses(events: Iterable[Json]) -> list[Access]:
    """Newest first, joined into looks."""
    found: list[Access] = []
    for one in map(access_of, events):
        place = next((index for index, other in enumerate(found[-8:], max(len(found) - 8, 0)) if other.same(one)), None)
        if place is None:
            found.append(one)
        else:
            opened = tuple(dict.fromkeys((*found[place].opened, *one.opened)))
            found[place] = replace(found[place], opened=opened, times=found[place].times + 1)
    return found


def access_of(event: Json) -> Access:
    """One AuditEvent."""
    agent = _requestor(event)
    purpose: Json = next(iter(agent.get("purposeOfUse", ())), {})
    code = code_of(purpose)
    subtypes = {str(one.get("code", "")) for one in event.get("subtype", ())}
    role = code_of(agent.get("role"))
    return Access(
        str(event.get("recorded", "")),
        str(agent.get("name") or agent.get("who", {}).get("display", "")),
        ROLES.get(role, ROLES["system"]),
        _facility(event),
        PURPOSES.get(code, ""),
        str(purpose.get("text", "")),
        () if subtypes & TRANSFERS else _opened(event),
        str(event.get("action", "")),
        EMERGENCY in subtypes or code in EMERGENCY_PURPOSES,
        event.get("outcome", "0") != "0",
        transfer=bool(subtypes & TRANSFERS),
    )


def _requestor(event: Json) -> Json:
    return next((one for one in event.get("agent", ()) if one.get("requestor")), {})


def _facility(event: Json) -> str:
    for agent in event.get("agent", ()):
        if any(code == PROVIDER for _, code in codings(agent.get("type"))):
            return str(agent.get("who", {}).get("display", ""))
    return ""


def _opened(event: Json) -> tuple[str, ...]:
    """Types in words: of the resource, or of what a search asked for."""
    found = []
    for entity in event.get("entity", ()):
        role = str((entity.get("role") or {}).get("code", ""))
        reference = str((entity.get("what") or {}).get("reference", ""))
        if role == "4" and reference:
            found.append(reference.partition("/")[0])
        elif entity.get("query"):
            found.extend(_asked(str(entity["query"])))
    if not found:
        return (OTHER,)
    return tuple(dict.fromkeys(OPENED.get(one, OTHER) for one in found))


def _asked(query: str) -> list[str]:
    try:
        text = base64.b64decode(query).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return []
    parts = [part for part in text.partition("?")[0].split("/") if part]
    # A search inside a compartment, Patient/id/Observation, is about what comes last.
    return [part for part in parts if part in OPENED][-1:]
