"""
Codes of the shared systems, searched by code or name. Pure.

https://hl7.org/fhir/R4/valueset-operation-expand.html (filter)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from hie.ui import Option
from terminology.service import Terminology

MOST = 40


@dataclass(frozen=True, slots=True)
class Hit:
    """A code that could be meant."""

    system: str
    title: str
    code: str
    zh: str
    en: str

    @property
    def value(self) -> str:
        """For a form."""
        return f"{self.system}|{self.code}"


def systems(terminology: Terminology) -> tuple[Option, ...]:
    """The shared systems, by title."""
    found = (Option(url, one.edition.zh or url) for url, one in terminology.code_systems.items())
    return tuple(sorted(found, key=lambda option: option.text))


def search(terminology: Terminology, text: str, system: str = "") -> list[Hit]:
    """The codes whose code or name contains every word, whole codes first; at most forty."""
    words = text.casefold().split()
    if not words:
        return []
    found = list(islice(_hits(terminology, words, system), MOST * 5))
    return sorted(found, key=lambda hit: (hit.code.casefold() != text.casefold(), len(hit.zh), hit.code))[:MOST]


def _hits(terminology: Terminology, words: list[str], system: str) -> Iterator[Hit]:
    for url, one in terminology.code_systems.items():
        if system in ("", url):
            for concept in one.concepts.values():
                said = f"{concept.code} {concept.zh} {concept.en}".casefold()
                if all(word in said for word in words):
                    yield Hit(url, one.edition.zh or url, concept.code, concept.zh, concept.en)


def named(terminology: Terminology, system: str, code: str) -> str | None:
    """What a code of a shared system is called; None where there is no such code."""
    table = terminology.code_system(system)
    concept = table.concepts.get(code) if table else None
    return (concept.zh or concept.en) if concept else None
