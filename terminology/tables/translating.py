"""
What a code means elsewhere, by one map or by all that lead there; in either direction.

https://hl7.org/fhir/R4/conceptmap-operation-translate.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from terminology.tables.concept_map import NONE, ConceptMap, Dependency, Group, Target
from terminology.tables.library import Library, fits, same

DEEPEST = 5


@dataclass(frozen=True, slots=True)
class Question:
    """A code to translate; `target` is the system wanted, empty for any. `given` are values that it depends on."""

    system: str
    code: str
    version: str = ""
    target: str = ""
    reverse: bool = False
    given: tuple[Dependency, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """One meaning, in which system, and which map says so."""

    system: str
    version: str
    target: Target
    source: ConceptMap

    @property
    def is_translation(self) -> bool:
        """Whether it is one, rather than the statement that there is none."""
        return self.target.equivalence not in NONE


def translate(library: Library, found: ConceptMap, asked: Question) -> list[Match]:
    """Every meaning by one map."""
    return [*_through(library, found, asked, 0)]


def _through(library: Library, found: ConceptMap, asked: Question, depth: int) -> Iterator[Match]:
    for group in found.groups:
        here, there = (group.target, group.source) if asked.reverse else (group.source, group.target)
        version = group.target_version if asked.reverse else group.source_version
        if asked.system and here and same(here) != same(asked.system):
            continue
        if asked.version and version and not fits(version, asked.version):
            continue
        if asked.target and there and same(there) != same(asked.target):
            continue
        yield from _in_group(library, found, group, asked, depth)


def _in_group(library: Library, found: ConceptMap, group: Group, asked: Question, depth: int) -> Iterator[Match]:
    if asked.reverse:
        named: Sequence[Target] | None = group.reverse.get(asked.code)
        side = group.source, group.source_version
    else:
        named, side = group.elements.get(asked.code), (group.target, group.target_version)
    if named is not None:
        yield from (Match(*side, one, found) for one in named if asked.reverse or _met(one, asked.given))
    elif not asked.reverse:
        yield from _unmapped(library, found, group, asked, depth)


def _met(one: Target, given: Sequence[Dependency]) -> bool:
    """Whether everything is given that the meaning depends on."""
    said = {(other.property, other.value) for other in given}
    return all((other.property, other.value) in said for other in one.depends_on)


def _unmapped(library: Library, found: ConceptMap, group: Group, asked: Question, depth: int) -> Iterator[Match]:
    rule = group.unmapped
    match rule.mode:
        case "provided":
            yield Match(group.target, group.target_version, Target(asked.code, "equal"), found)
        case "fixed":
            yield Match(group.target, group.target_version, Target(rule.code, "inexact", rule.display), found)
        case "other-map" if depth < DEEPEST and (other := library.concept_map(rule.url)) is not None:
            yield from _through(library, other, asked, depth + 1)
