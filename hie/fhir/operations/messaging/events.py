"""
The events that messages may be about: dated rule data.

https://hl7.org/fhir/R4/valueset-message-events.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

SYSTEM = "http://terminology.hl7.org/CodeSystem/message-events"


@dataclass(frozen=True, slots=True)
class Event:
    """
    One event: at least `least` resources of the `focus` types, with one of these `status` where there are any. The
    message speaks for what it `owns`; of `supporting` types it makes only what is not there. `identity` is link or
    unlink where the event is about who is who. `definition` is the canonical address of its MessageDefinition.
    """

    code: str
    system: str
    category: str
    display: str
    focus: frozenset[str]
    owns: frozenset[str]
    supporting: frozenset[str]
    definition: str
    least: int = 1
    status: frozenset[str] = frozenset()
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Events:
    """One version of the rule set."""

    version: str
    valid_from: date
    source: str
    events: Mapping[tuple[str, str], Event]


def events(day: date) -> Events:
    """The version in force on a day; the oldest for days before all of them."""
    versions = _versions()
    in_force = [one for one in versions if one.valid_from <= day]
    return in_force[-1] if in_force else versions[0]


@cache
def _versions() -> tuple[Events, ...]:
    raw = json.loads(files(__package__).joinpath("events.json").read_text("utf-8"))
    return tuple(sorted(map(_version, raw["versions"]), key=lambda one: one.valid_from))


def _version(row: Mapping[str, Any]) -> Events:
    found = [_event(row, one) for one in row["events"]]
    by_code = {(one.system, one.code): one for one in found}
    return Events(row["version"], date.fromisoformat(row["valid_from"]), row["source"], by_code)


def _event(version: Mapping[str, Any], row: Mapping[str, Any]) -> Event:
    return Event(
        row["code"], row.get("system", SYSTEM), row["category"], row["display"], frozenset(row["focus"]),
        frozenset(row["owns"]), frozenset(version["supporting"]) - frozenset(row["owns"]),
        version["definition"] + row["code"], row.get("least", 1), frozenset(row.get("status", ())),
        row.get("identity", ""),
    )  # fmt: skip
