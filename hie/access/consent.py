"""
Consent as the residents state it: who may not see their record, for which purpose, until when. Pure.

The outer provision is the rule, inner ones are exceptions to it. A refusal that names only a part of the record
(labels, classes, codes) is kept as a refusal of the whole for that actor: too much is hidden rather than too little.

https://profiles.ihe.net/ITI/PCF/, https://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from records.stored import Json

ROLE = "urn:hie:role"
# A day written without a zone is a day of the region.
ZONE = ZoneInfo("Asia/Shanghai")
PRIVACY = frozenset({"", "patient-privacy"})
# Actions that let somebody see; a refusal of another action (correct, ...) hides nothing.
SEEING = frozenset({"access", "use", "disclose", "collect"})
ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Provision:
    """
    One provision: no actors means everybody, no purposes means every purpose.

    Actors are "Organization/id", "Practitioner/id" or an identifier "system|value".
    """

    deny: bool
    actors: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    start: datetime = ALWAYS[0]
    end: datetime = ALWAYS[1]
    exceptions: tuple[Provision, ...] = ()

    def applies(self, actors: frozenset[str], purpose: str, at: datetime) -> bool:
        """True where it speaks about this actor, purpose and time."""
        return (
            (not self.actors or bool(self.actors & actors))
            and (not self.purposes or purpose in self.purposes)
            and self.start <= at < self.end
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """What one Consent says about one source Patient."""

    consent: str
    patient: str
    provision: Provision

    def denies(self, actors: frozenset[str], purpose: str, at: datetime) -> bool:
        """True where this caller may not see the record; an exception that applies has the last word."""
        return _denies(self.provision, actors, purpose, at) is True


def rule_of(consent: Json) -> Rule | None:
    """The rule of an active privacy Consent that refuses something; None for every other."""
    patient = str(consent.get("patient", {}).get("reference", ""))
    scopes = {str(one.get("code", "")) for one in consent.get("scope", {}).get("coding", ())} or {""}
    if consent.get("status") != "active" or not patient.startswith("Patient/") or not scopes & PRIVACY:
        return None
    provision = _provision(consent.get("provision", {}), outer=None)
    if not _refuses(provision):
        return None
    return Rule(str(consent.get("id", "")), patient.removeprefix("Patient/"), provision)


def _denies(provision: Provision, actors: frozenset[str], purpose: str, at: datetime) -> bool | None:
    if not provision.applies(actors, purpose, at):
        return None
    answers = [_denies(one, actors, purpose, at) for one in provision.exceptions]
    said = [answer for answer in answers if answer is not None]
    # Deny overrides where exceptions disagree.
    return any(said) if said else provision.deny


def _refuses(provision: Provision) -> bool:
    return provision.deny or any(map(_refuses, provision.exceptions))


def _provision(found: Json, outer: bool | None) -> Provision:
    # An exception without a type says the opposite of what it is an exception to.
    kind = found.get("type") or ("permit" if outer is not False else "deny")
    deny = kind == "deny" and (not (actions := frozenset(_codes(found, "action"))) or bool(actions & SEEING))
    start, end = _period(found.get("period", {}))
    return Provision(
        deny,
        frozenset(_actors(found)),
        frozenset(str(one.get("code", "")) for one in found.get("purpose", ())),
        start,
        end,
        tuple(_provision(one, kind == "deny") for one in found.get("provision", ())),
    )


def _codes(found: Json, name: str) -> Iterator[str]:
    for concept in found.get(name, ()):
        for coding in concept.get("coding", ()):
            yield str(coding.get("code", ""))


def _actors(found: Json) -> Iterator[str]:
    for actor in found.get("actor", ()):
        reference = actor.get("reference", {})
        named = False
        if reference.get("reference"):
            named = True
            yield str(reference["reference"])
        if identifier := reference.get("identifier"):
            named = True
            yield f"{identifier.get('system', '')}|{identifier.get('value', '')}"
        if not named:
            # Named in words only: nobody can be recognised by it, and it must not widen to everybody.
            yield "display-only"


def _period(found: dict[str, Any]) -> tuple[datetime, datetime]:
    start = _moment(found["start"]) if found.get("start") else ALWAYS[0]
    end = _moment(found["end"], closing=True) if found.get("end") else ALWAYS[1]
    return start, end


def _moment(text: str, *, closing: bool = False) -> datetime:
    """A FHIR dateTime; the end of a period given as a day, month or year includes all of it."""
    parts = [int(part) for part in text[:10].split("-")]
    if "T" in text:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)
    year, month, day = (*parts, 1, 1)[:3]
    first = datetime(year, month, day, tzinfo=ZONE)
    if not closing:
        return first
    match len(parts):
        case 1:
            return first.replace(year=first.year + 1)
        case 2:
            return (first + timedelta(days=32)).replace(day=1)
        case _:
            return first + timedelta(days=1)
