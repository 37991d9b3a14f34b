"""
A profile as rules: a tree of what it asks beyond R4 itself, element by element, slice by slice.

https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

UNLIMITED = -1


class Unusable(Exception):
    """A definition that cannot be used; the text says why, in words about the definition alone."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule as FHIRPath: its key, how bad breaking it is, in words, and the expression."""

    key: str
    severity: str
    human: str
    expression: str


@dataclass(frozen=True, slots=True)
class Type:
    """A type that is allowed: `profiles` its values must conform to, `targets` of references, both canonicals."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Discriminator:
    """How slices are told apart: `value`, `pattern`, `exists`, `type` or `profile` of what is at the path."""

    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Slicing:
    """`rules` is open, closed or openAtEnd; without discriminators an item is of the slice that it conforms to."""

    discriminators: tuple[Discriminator, ...] = ()
    rules: str = "open"
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What is asked of one element, and of what is in it. `min` and `max` only where they are narrower than R4's."""

    name: str
    id: str
    min: int = 0
    max: int = UNLIMITED
    types: tuple[Type, ...] = ()
    # Exact or at-least values: (the type in the name of fixed[x], the value), or None.
    fixed: tuple[str, Any] | None = None
    pattern: tuple[str, Any] | None = None
    value_set: str = ""
    invariants: tuple[Invariant, ...] = ()
    least: tuple[str, Any] | None = None
    most: tuple[str, Any] | None = None
    longest: int = 0
    slicing: Slicing | None = None
    children: Mapping[str, Rule] = field(default_factory=dict)
    slices: Mapping[str, Rule] = field(default_factory=dict)

    @property
    def says_what(self) -> bool:
        """Whether values can be told apart by it."""
        own = self.fixed or self.pattern or self.value_set or any(one.profiles for one in self.types)
        return bool(own) or any(one.says_what or one.min or not one.max for one in self._inside())

    def _inside(self) -> tuple[Rule, ...]:
        return (*self.children.values(), *self.slices.values())


@dataclass(frozen=True, slots=True)
class Profile:
    """A StructureDefinition ready for use. `contexts` are where an extension may be, as (kind, expression)."""

    url: str
    version: str
    name: str
    type: str
    rule: Rule
    contexts: tuple[tuple[str, str], ...] = ()
    modifier: bool = False
    # The profile that this one constrains further, where it is not of R4's base.
    base: str = ""
