"""
Which structure a message has: the one MSH-9.3 names, else the one that serves its event.

HL7 table 0354
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from adapters.hl7v2.grammar.load import grammar
from adapters.hl7v2.grammar.model import Grammar, Node
from adapters.hl7v2.message import Finding

LOCATION = "MSH^1^9^3"
# Every event had a message of its own.
BEFORE_STRUCTURES = ("2.1", "2.2")
# Between them they have nearly every message type; the tables of each version cost a fifth of a second.
ELSEWHERE = ("2.5.1", "2.8.2", "2.3.1")


@dataclass(frozen=True, slots=True)
class Structure:
    """A name, and its grammar: `node` is None for a structure that no version knows (local events)."""

    name: str
    grammar: Grammar
    node: Node | None
    findings: tuple[Finding, ...] = ()


@lru_cache(maxsize=1)
def _data() -> Mapping[str, Any]:
    text = resources.files("adapters.hl7v2.grammar").joinpath("data/structures.json").read_text("utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


@lru_cache(maxsize=1)
def _serving() -> Mapping[str, tuple[str, ...]]:
    """`ADT_A08` to the structures that serve it, best first."""
    found: dict[str, tuple[str, ...]] = {}
    older = {name: events for name, events in _data()["older"].items() if name != "source"}
    for table in (_data()["structures"], older):
        for name, events in table.items():
            for event in events.split():
                key = f"{name[:3]}_{event}"
                found[key] = (*found.get(key, ()), name)
    return found


def only_trigger(code: str) -> str:
    """The event of a type that has only one, "" otherwise."""
    return str(_data()["only_trigger"].get(code, ""))


def needs_trigger(code: str) -> bool:
    """False for acknowledgements and their like."""
    return code not in _data()["without_trigger"]


def _candidates(version: str, code: str, trigger: str) -> Iterator[str]:
    event = f"{code}_{trigger}"
    if version not in BEFORE_STRUCTURES:
        yield from _serving().get(event, ())
    yield event
    yield code


def _find(version: str, code: str, trigger: str) -> str | None:
    known = grammar(version).structures
    return next((name for name in _candidates(version, code, trigger) if name in known), None)


@lru_cache(maxsize=2048)
def structure(version: str, code: str, trigger: str, named: str) -> Structure:
    """
    The structure of a message of a known version; `named` is MSH-9.3.

    Where MSH-9.3 contradicts the event, the event counts. A type that the version does not have is read by
    another version that has it.
    """
    known = grammar(version)
    served = _find(version, code, trigger)
    if named in known.structures and served in (None, named):
        return Structure(named, known, known.structures[named])
    if served:
        return Structure(served, known, known.structures[served], _contradiction(named))
    return _elsewhere(version, code, trigger, named)


def _contradiction(named: str) -> tuple[Finding, ...]:
    return (Finding(LOCATION, "103", "The message structure does not serve the event."),) if named else ()


def _elsewhere(version: str, code: str, trigger: str, named: str) -> Structure:
    for other in ELSEWHERE:
        if served := _find(other, code, trigger):
            finding = Finding("MSH^1^12", "203", f"The message type is of version {other}.")
            return Structure(served, grammar(version), grammar(other).structures[served], (finding,))
    name = named or (f"{code}_{trigger}" if trigger else code)
    finding = Finding(LOCATION, "200", "No version has this message type; read without a grammar.")
    return Structure(name, grammar(version), None, (finding,))
