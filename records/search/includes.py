"""
_include and _revinclude: what the matches point at, and what points at them.

Both read references from the search keys, never from the texts. https://hl7.org/fhir/R4/search.html#revinclude
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from records.definitions import definitions
from records.search.key import EXACT
from records.search.request import Include

Document = Mapping[str, Any]


def forward(include: Include, resource_type: str, document: Document) -> Iterator[str]:
    """References ("Patient/1") that a document's include asks for."""
    if include.source not in ("*", resource_type):
        return
    for code in _codes(include, resource_type):
        prefix = f"{code}{EXACT}{include.target}{'/' if include.target else ''}"
        start = len(code) + len(EXACT)
        yield from (key[start:] for key in document["k"] if key.startswith(prefix))


def _codes(include: Include, resource_type: str) -> Iterable[str]:
    if include.code != "*":
        return (include.code,)
    return (one.partition(":")[2] for one in definitions().includes(resource_type))


def reverse(include: Include, references: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """(type, keys): documents of the type that have one of the keys point at one of the references."""
    pairs: dict[str, list[str]] = {}
    for reference in references:
        for one in _sources(include, reference.partition("/")[0]):
            source, _, code = one.partition(":")
            pairs.setdefault(source, []).append(f"{code}{EXACT}{reference}")
    yield from pairs.items()


def _sources(include: Include, resource_type: str) -> Iterable[str]:
    known = definitions().reverse_includes(resource_type)
    if include.source == "*":
        return known
    if include.code == "*":
        return (one for one in known if one.startswith(include.source + ":"))
    asked = f"{include.source}:{include.code}"
    return (asked,) if asked in known else ()
