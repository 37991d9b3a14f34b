"""
Small questions that the laws are made of. An element is there also when it has only extensions.

https://hl7.org/fhir/R4/fhirpath.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from records.stored import Json

Question = Callable[[Json], bool]


def has(node: Json, name: str) -> bool:
    """Whether an element is there."""
    return name in node or f"_{name}" in node


def has_choice(node: Json, name: str) -> bool:
    """Whether a choice element is there, in any type."""
    return any(one.startswith(name) and one[len(name) : len(name) + 1].isupper() for one in _bare(node))


def _bare(node: Json) -> Iterator[str]:
    return (name.removeprefix("_") for name in node)


def any_of(*names: str) -> Question:
    """At least one of them is there."""
    return lambda node: any(has(node, name) for name in names)


def not_both(first: str, second: str) -> Question:
    """Not the two together."""
    return lambda node: not (has(node, first) and has(node, second))


def needs(name: str, other: str) -> Question:
    """The one is only there with the other."""
    return lambda node: not has(node, name) or has(node, other)


def coded(concept: Any, system: str, *codes: str) -> bool:
    """Whether a CodeableConcept has one of these codes."""
    codings = concept.get("coding", ()) if isinstance(concept, dict) else ()
    return any(one.get("system") == system and one.get("code") in codes for one in codings)


def in_order(start: Any, end: Any) -> bool:
    """Whether one moment is not after another, as far as both are told."""
    if not isinstance(start, str) or not isinstance(end, str):
        return True
    if "T" in start and "T" in end:
        try:
            return datetime.fromisoformat(start) <= datetime.fromisoformat(end)
        except ValueError:
            return True  # a leap second
    shorter = min(len(start.partition("T")[0]), len(end.partition("T")[0]))
    return start[:shorter] <= end[:shorter]
