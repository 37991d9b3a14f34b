"""
The same thing under another of its names: what a store has already is found by any business identifier.

Ids are derived from one identifier; a sender who uses another one speaks of the same resource all the same.
Pure: the exchange finds the candidates, this decides, and the facts of the message speak of what is stored.

HL7 v2 chapter 4.5.1 (an order is known by its placer's, its filler's or its group's number)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.facts import Fact, Json, Known

GROUP = "PGN"
Candidates = Mapping[str, Sequence[Json]]
"""Resource type to stored resources that have any of the numbers asked for."""


def named(resource: Json, known: Known) -> bool:
    """True when a resource has that number; a role on either side must be the same."""
    return any(
        (one.get("system"), one.get("value")) == (known.system, known.value) and role_of(one) in ("", known.role)
        for one in numbers(resource, group=known.role == GROUP)
    )


def numbers(resource: Json, *, group: bool) -> Sequence[Json]:
    """The Identifiers of a resource, or that of the group that it was ordered in."""
    listed = resource.get("requisition", {}) if group else resource.get("identifier", [])
    return listed if isinstance(listed, list) else [listed]


def role_of(identifier: Json) -> str:
    """Placer's, filler's or group's: the code of the identifier's type."""
    return next((str(c.get("code", "")) for c in identifier.get("type", {}).get("coding", ())), "")


def uncertain(facts: Sequence[Fact], stored: Mapping[str, Json]) -> list[Fact]:
    """The facts that may be stored under another id: not those that are stored with all their numbers."""
    return [
        fact
        for fact in facts
        if fact.known_by and not all(named(stored.get(f"{fact.type}/{fact.id}", {}), known) for known in fact.known_by)
    ]


def recognized(facts: Sequence[Fact], asked: Sequence[Fact], candidates: Candidates) -> tuple[Fact, ...]:
    """
    The facts, speaking of what is stored; raises AdapterError where the numbers contradict what is stored.

    A fact that several stored resources answer to (an order's group) is said of each of them.
    """
    names: dict[str, str] = {}
    copies: dict[str, list[str]] = {}
    for fact in asked:
        found = fact.recognize(fact, candidates.get(fact.type, ())) if fact.recognize else []
        key = f"{fact.type}/{fact.id}"
        if found and fact.id not in found:
            names[key] = f"{fact.type}/{found[0]}"
        if len(found) > 1:
            copies[key] = found
    if not names and not copies:
        return tuple(facts)
    spread = [one for fact in facts for one in _spread(fact, copies.get(f"{fact.type}/{fact.id}"))]
    return tuple(_renamed(fact, names) for fact in spread)


def _spread(fact: Fact, ids: Sequence[str] | None) -> list[Fact]:
    return [replace(fact, resource={**fact.resource, "id": one}) for one in ids] if ids else [fact]


def _renamed(fact: Fact, names: Mapping[str, str]) -> Fact:
    key = names.get(f"{fact.type}/{fact.id}", "")
    resource = _with_references(fact.resource, names)
    return replace(fact, resource={**resource, "id": key.partition("/")[2]} if key else resource)


def _with_references(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_references(inner, names) for inner in value]
    if not isinstance(value, dict):
        return value
    told = {key: _with_references(inner, names) for key, inner in value.items()}
    target = told.get("reference")
    return {**told, "reference": names[target]} if isinstance(target, str) and target in names else told
