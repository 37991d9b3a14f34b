"""
All invariants of R4's base definitions: by the engine, or by the gate's own laws where those are exact and quicker.

https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from records.definitions import official
from records.definitions.load import read
from records.errors import Issue
from records.stored import Json
from records.validation.laws import LAWS
from records.validation.laws.common import DOMAIN_RESOURCE
from records.validation.profiles.by_hand import BY_HAND
from records.validation.profiles.engine import compiled, holds
from records.validation.profiles.items import Item, every, root_of
from records.validation.profiles.rules import Invariant

# By the gate's walk itself: an element is not empty, a div is safe and says something, local references are there,
# nothing is contained in what is contained.
BY_STRUCTURE = frozenset({"ele-1", "txt-1", "txt-2", "ref-1", "dom-2"})


@cache
def invariants() -> Mapping[str, tuple[Invariant, ...]]:
    """All of them, by the path of the element that they are said of."""
    return {path: tuple(Invariant(*row) for row in rows) for path, rows in read("constraints").items()}


@cache
def asked_of(path: str) -> tuple[Invariant, ...]:
    """Those at a path that the gate has no law for."""
    return tuple(one for one in invariants().get(path, ()) if one.key not in by_law(path) | BY_STRUCTURE)


def by_law(path: str) -> frozenset[str]:
    """The keys that the gate has a law for, at the path or at what holds it (org-2 is of an address)."""
    around = path.rpartition(".")[0]
    laws = DOMAIN_RESOURCE if path == "DomainResource" else (*LAWS.get(path, ()), *LAWS.get(around, ()))
    return frozenset(law.key for law in laws)


@cache
def unreadable() -> Mapping[tuple[str, str], Invariant]:
    """Those that nobody evaluates, by path and key: the engine cannot read them and there is no law."""
    return {
        (path, one.key): one for path in invariants() for one in asked_of(path)
        if one.key not in BY_HAND and compiled(one.expression) is None
    }


def check_invariants(resource: Json) -> list[Issue]:
    """Every invariant that the engine finds broken anywhere in the resource, and each that it could not ask."""
    return [issue for item in every(root_of(resource)) for issue in _broken(item)]


def _broken(item: Item) -> Iterator[Issue]:
    for place in _places(item.path, item.type, item.node):
        for one in asked_of(place):
            own = BY_HAND.get(one.key)
            # `name.matches(...)` of what has no name is no reason for a warning.
            lenient = one.severity == "warning"
            answer = own(item) if own is not None else holds(one.expression, item, empty=lenient)
            if answer is None:
                text = f"{one.key}: This rule could not be evaluated here: {one.human}"
                yield Issue(item.expression, text, "not-supported", "information")
            elif not answer:
                yield Issue(item.expression, f"{one.key}: {one.human}", "invariant", one.severity)


@cache
def _places(path: str, kind: str, node: str) -> tuple[str, ...]:
    """Where the rules of an element stand: at its own path, its structure, its datatype, and what those come from."""
    found = [path, node, kind]
    try:
        if "contained" in official().structure(node).elements:
            found.append("DomainResource")
    except KeyError:
        pass
    found += ["Quantity"] if kind in ("Age", "Count", "Distance", "Duration") else []
    return tuple(one for one in dict.fromkeys(found) if asked_of(one))
