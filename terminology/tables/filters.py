"""
What a filter of a value set selects in a code system, from its indexes; NotOffered where it is not evaluated.

https://hl7.org/fhir/R4/valueset-filter-operator.html, https://hl7.org/fhir/R4/codesystem.html#filters
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic

from terminology.tables.system import Entry, System, prefixes
from terminology.tables.undecided import Endless, NotOffered

MOST_KEPT = 500
LONGEST_PATTERN, LONGEST_TEXT, MOST_REPEATS = 200, 200, 3
PATIENCE = 1.0
HIERARCHY = ("is-a", "descendent-of", "is-not-a", "generalizes")
# Names under which the hierarchy and the flags of a concept are asked for.
CONCEPT, CODE = "concept", "code"
ABSTRACT = frozenset({"abstract", "notSelectable"})
_GROUP = re.compile(r"\)[*+{]")
_REPEATS = re.compile(r"[*+]|\{\d+,\d*\}")
_IN_CLASS = re.compile(r"\[(?:\\.|[^\]\\])+\]")


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on the concepts of a system."""

    property: str
    op: str
    value: str

    def __str__(self) -> str:
        return f"{self.property} {self.op}"


def select(system: System, asked: Filter) -> frozenset[str]:
    """The codes that a filter lets through."""
    found = system.selected.get(asked)
    if found is None:
        found = _select(system, asked)
        if len(system.selected) >= MOST_KEPT:
            system.selected.clear()
        system.selected[asked] = found
    return found


def takes_finer(system: System, asked: Filter, code: str) -> bool | None:
    """Whether a code that is not held meets a filter, by what it begins with; None where that does not tell."""
    if system.hierarchy != "prefix" or asked.property not in (CONCEPT, CODE):
        return None
    below = asked.value in prefixes(code)
    match asked.op:
        case "is-a":
            return below or code == asked.value
        case "descendent-of":
            return below
        case "is-not-a":
            return (system.nearest(code) is not None or None) if not below and code != asked.value else False
    return None


def _select(system: System, asked: Filter) -> frozenset[str]:
    if asked.property in (CONCEPT, CODE) and asked.op in HIERARCHY:
        return _by_hierarchy(system, asked)
    every = frozenset(system.entries)
    match asked.op:
        case "=":
            return _equal(system, asked.property, [asked.value])
        case "in":
            return _equal(system, asked.property, _listed(asked.value))
        case "not-in":
            return every - _equal(system, asked.property, _listed(asked.value))
        case "regex":
            return _matching(system, asked)
        case "exists":
            there = frozenset(one.code for one in system.entries.values() if any(_values(one, asked.property, system)))
            return there if asked.value == "true" else every - there
    raise NotOffered(str(asked))


def _by_hierarchy(system: System, asked: Filter) -> frozenset[str]:
    known = system.find(asked.value)
    if known is None and system.hierarchy != "prefix":
        # Below what is not there, there is nothing; whether it would be in the rest of the system nobody can say.
        return frozenset(system.entries) if asked.op == "is-not-a" else frozenset()
    top = known.code if known else asked.value
    below = _below(system, top, known)
    match asked.op:
        case "is-a":
            return below | ({top} if known else frozenset())
        case "descendent-of":
            return below
        case "is-not-a":
            return frozenset(system.entries) - below - {top}
        case _:
            return system.above(top) | ({top} if known else frozenset())


def _below(system: System, top: str, known: Entry | None) -> frozenset[str]:
    if known is not None:
        return system.below(top)
    return frozenset(code for code in system.entries if top in prefixes(code))


def _equal(system: System, name: str, values: Iterable[str]) -> frozenset[str]:
    if name in (CONCEPT, CODE):
        return frozenset(one.code for value in values if (one := system.find(value)))
    if name == "parent":
        return frozenset(code for value in values for code in system.children(value))
    if name == "child":
        return frozenset(code for value in values if value in system.entries for code in system.entries[value].parents)
    if name in ABSTRACT or name in ("inactive", "display"):
        wanted = frozenset(values)
        every = system.entries.values()
        return frozenset(one.code for one in every if not wanted.isdisjoint(_values(one, name, system)))
    known = system.by_property.get(name)
    if known is None:
        raise NotOffered(f"{name} =")
    return frozenset().union(*(known.get(value, frozenset()) for value in values))


def _values(entry: Entry, name: str, system: System) -> list[str]:
    """What a concept says under a name."""
    said = [one.text for one in entry.properties if one.code == name]
    match name:
        case "concept" | "code":
            return [entry.code]
        case "display":
            return [*entry.names]
        case "parent":
            return [*entry.parents]
        case "child":
            return [*system.children(entry.code)]
        case "inactive":
            return ["true" if entry.inactive else "false"]
        case _ if name in ABSTRACT:
            return ["true" if entry.abstract else "false"]
    return said


def _listed(value: str) -> list[str]:
    return [one.strip() for one in value.split(",")]


def _matching(system: System, asked: Filter) -> frozenset[str]:
    test, found, until = pattern(asked.value), set[str](), monotonic() + PATIENCE
    for one in system.entries.values():
        if any(len(value) <= LONGEST_TEXT and test(value) for value in _values(one, asked.property, system)):
            found.add(one.code)
        if monotonic() > until:
            raise Endless(str(asked))
    return frozenset(found)


def pattern(text: str) -> Callable[[str], object]:
    """
    A test for the whole of a text; NotOffered for an expression that could take forever, or is none.

    A group that repeats, many open repeats, references backwards: what such a search costs cannot be foreseen, and a
    definition comes from outside.
    """
    bare = _IN_CLASS.sub("C", re.sub(r"\\.", "E", text))
    backwards = re.search(r"\\[1-9gk]|\(\?(?!:)", text)
    if len(text) > LONGEST_PATTERN or len(_REPEATS.findall(bare)) > MOST_REPEATS or _GROUP.search(bare) or backwards:
        raise NotOffered("regex")
    try:
        return re.compile(text).fullmatch
    except (re.error, OverflowError):
        raise NotOffered("regex") from None
