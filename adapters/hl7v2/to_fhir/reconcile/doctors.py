"""
Who has to do with a visit: a change of the attending or consulting doctor has a time, and can be taken back.

HL7 v2 chapter 3.3 (A54, A55, A61, A62); https://hl7.org/fhir/R4/encounter-definitions.html#Encounter.participant
"""

from __future__ import annotations

from typing import Any

from adapters.facts import Json
from adapters.hl7v2.to_fhir.visit_events import DOCTOR_CHANGES, DOCTOR_RETURNS


def doctors(event: str, at: str, before: list[Json], said: list[Json], *, older: bool) -> list[Json]:
    """Encounter.participant after `event`, which took place `at`."""
    if older:
        known = {role(one) for one in before}
        return [*before, *(one for one in said if role(one) not in known)]
    if event in DOCTOR_CHANGES:
        return _changed(DOCTOR_CHANGES[event], at, before, said)
    if event in DOCTOR_RETURNS:
        return _returned(DOCTOR_RETURNS[event], before, said)
    return _stated({role(one) for one in said}, before, said)


def role(participant: Json) -> Any:
    """ATND, CON, REF, ADM."""
    return participant["type"][0]["coding"][0]["code"] if participant.get("type") else None


def _who(participant: Json) -> Any:
    individual = participant.get("individual", {})
    return individual.get("reference") or individual.get("display")


def _ended(participant: Json) -> bool:
    return "end" in participant.get("period", {})


def _stated(roles: set[Any], before: list[Json], said: list[Json]) -> list[Json]:
    """The doctors of these roles are those that are named; since when is kept, and who was it before."""
    since = {(role(one), _who(one)): one["period"] for one in before if "period" in one and not _ended(one)}
    kept = [one for one in before if role(one) not in roles or _ended(one)]
    return kept + [one | ({"period": since[key]} if (key := (role(one), _who(one))) in since else {}) for one in said]


def _changed(kind: str, at: str, before: list[Json], said: list[Json]) -> list[Json]:
    """From now on it is somebody else."""
    new = {_who(one) for one in said if role(one) == kind}
    if not new:
        return before or said
    open_ones = {_who(one) for one in before if role(one) == kind and not _ended(one)}
    closed = [
        {**one, "period": {**one.get("period", {}), "end": at}}
        if role(one) == kind and not _ended(one) and _who(one) not in new
        else one
        for one in before
    ]
    begun = [{**one, "period": {"start": at}} for one in said if role(one) == kind and _who(one) not in open_ones]
    return [*closed, *begun]


def _returned(kind: str, before: list[Json], said: list[Json]) -> list[Json]:
    """The change never was: whoever is named (else whoever was it last) still is."""
    ended = [_who(one) for one in before if role(one) == kind and _ended(one)]
    named = {_who(one) for one in said if role(one) == kind} or set(ended[-1:])
    if not named:
        return before
    kept = [one for one in before if role(one) != kind or _ended(one) or _who(one) in named]
    last = {_who(one): at for at, one in enumerate(kept) if role(one) == kind and _who(one) in named}
    again = [_open(one) if at in last.values() else one for at, one in enumerate(kept)]
    return [*again, *(one for one in said if role(one) == kind and _who(one) not in last)]


def _open(participant: Json) -> Json:
    span = {key: value for key, value in participant.get("period", {}).items() if key != "end"}
    rest = {key: value for key, value in participant.items() if key != "period"}
    return rest | ({"period": span} if span else {})
