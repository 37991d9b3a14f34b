"""
The dictionary's values: concepts, code systems, value sets and concept maps, each at a named release.

https://hl7.org/fhir/R4/terminology-module.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Hierarchy = Literal["none", "parent", "prefix"]
Content = Literal["complete", "fragment"]
Subsumption = Literal["equivalent", "subsumes", "subsumed-by", "not-subsumed"]


@dataclass(frozen=True, slots=True)
class Concept:
    """One meaning: its code, its name in Chinese and English, what is known about it."""

    code: str
    zh: str
    en: str
    parent: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)

    def display(self, language: str = "zh-CN") -> str:
        """The name in the language asked for; Chinese where it is none of ours."""
        return self.en if language.startswith("en") else self.zh


@dataclass(frozen=True, slots=True)
class Edition:
    """
    One release of a table and where it comes from: `verified` is True only where the original was read.

    `valid_from` is the day from which the release holds, where it replaced another one.
    """

    url: str
    zh: str
    en: str
    release: str
    source: str
    verified: bool
    valid_from: str = ""

    @property
    def canonical(self) -> str:
        """`url|release`, as FHIR names one release."""
        return f"{self.url}|{self.release}"


@dataclass(frozen=True, slots=True)
class CodeSystem:
    """
    A code system; `hierarchy` says whether a code's ancestors are its parents or its prefixes.

    Of a `fragment` only some of the codes are held: that one is not among them says nothing of it.
    """

    edition: Edition
    hierarchy: Hierarchy
    concepts: Mapping[str, Concept]
    content: Content = "complete"


@dataclass(frozen=True, slots=True)
class Include:
    """One part of a value set: codes one by one, everything below some codes, or by a property; none: every code."""

    system: str
    codes: tuple[str, ...] = ()
    is_a: tuple[str, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ValueSet:
    """An allowed list, as a rule."""

    edition: Edition
    include: tuple[Include, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """What a code means in another system; `equivalence` in FHIR's words."""

    system: str
    code: str
    equivalence: str


@dataclass(frozen=True, slots=True)
class ConceptMap:
    """A translation from one code system to another."""

    edition: Edition
    source_system: str
    targets: Mapping[str, tuple[Target, ...]]


@dataclass(frozen=True, slots=True)
class Coded:
    """A concept together with the system it belongs to."""

    system: str
    concept: Concept


@dataclass(frozen=True, slots=True)
class Validation:
    """Whether a code is one; `display` is the right name, `message` says what is wrong."""

    result: bool
    display: str = ""
    message: str = ""
