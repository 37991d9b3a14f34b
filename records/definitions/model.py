"""
Values that the definitions are made of; frozen, and as small as a server needs them.

https://hl7.org/fhir/R4/searchparameter.html, https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on one value: `equals`, `differs`, `exists`, `is` or `refers`; `and`, `or`, `not` join `parts`."""

    kind: str
    steps: tuple[Step, ...] = ()
    value: str | bool = ""
    parts: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """
    One step of a walk: `child` (under its names in JSON, each with its type), `extension` (of an url), `only` (these
    types), `where` (a check holds), `at` (a position), `exists`.
    """

    kind: str
    members: tuple[tuple[str, str], ...] = ()
    types: tuple[str, ...] = ()
    url: str = ""
    check: Check | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class Path:
    """
    One alternative of a search expression: `steps` are element names below the resource type.

    A choice element has its base name (`value`); `type` restricts it (`as Quantity`). `where` is an equality on the
    last step (or the one at `where_at`), `resolves` the type a reference must be to, `extension` the url of an
    extension whose value is meant, `exists` the question whether there is a value other than false. `datatypes` are
    the types it can find. A `walk`, where there is one, is followed instead: the expressions of custom parameters.
    """

    steps: tuple[str, ...]
    type: str = ""
    where: tuple[str, str] | None = None
    where_at: int = -1
    resolves: str = ""
    extension: str = ""
    exists: bool = False
    datatypes: tuple[str, ...] = ()
    walk: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a composite: the parameter it is compared as, and where it is, from the composite's own paths."""

    definition: str
    code: str
    type: str
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """A search parameter of one resource type."""

    code: str
    type: str
    url: str
    paths: tuple[Path, ...] = ()
    targets: tuple[str, ...] = ()
    components: tuple[Component, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """One type that an element may have; `targets` are the resource types a Reference may point at (empty: any)."""

    code: str
    targets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Element:
    """
    An element: cardinality (`max` 0: any number), types, required binding, or the node it is shaped like.

    `choice` elements have several types and a name of each in JSON (`valueQuantity`).
    """

    name: str
    min: int = 0
    max: int = 1
    types: tuple[Target, ...] = ()
    binding: str = ""
    reference: str = ""
    summary: bool = False
    choice: bool = False
    node: str = ""

    def type_of(self, name: str) -> str:
        """The type that a member of this name has: of a choice, the one in its name; empty where there is none."""
        if not self.choice:
            return self.types[0].code if self.types else ""
        suffix = name[len(self.name) :]
        return next((one.code for one in self.types if one.code[:1].upper() + one.code[1:] == suffix), "")


@dataclass(frozen=True, slots=True)
class Structure:
    """
    A resource, a datatype or a node inside one; `elements` by their names in JSON, a choice under each of its names.
    """

    name: str
    kind: str
    elements: Mapping[str, Element] = field(default_factory=dict)
    regex: str = ""

    def in_summary(self, name: str) -> bool:
        """Whether a top-level element, by its name in JSON, is in the summary."""
        found = self.elements.get(name)
        return found is not None and found.summary

    def is_mandatory(self, name: str) -> bool:
        """Whether it must be there."""
        found = self.elements.get(name)
        return found is not None and found.min > 0
