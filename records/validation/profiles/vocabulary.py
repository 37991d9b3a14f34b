"""
What codes a value set has, as profiles ask it; the stores know no dictionary themselves.

https://hl7.org/fhir/R4/terminologies.html#binding
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Protocol

from records.definitions import official
from records.definitions.load import read
from records.validation.profiles.grammars import by_grammar
from records.validation.profiles.items import Item


class Vocabulary(Protocol):
    """Knows value sets beyond those that R4 lists whole."""

    def holds(self, value_set: str, system: str | None, code: str, /) -> bool | None:
        """Whether a code is of the set (`system` None: a plain code); None where the set is not known whole."""
        ...


class NoVocabulary:
    """Knows nothing."""

    def holds(self, _value_set: str, _system: str | None, _code: str, /) -> bool | None:
        return None


NO_VOCABULARY = NoVocabulary()


@cache
def _listed() -> Mapping[str, Mapping[str, frozenset[str]]]:
    found = read("profiles")["value_sets"]
    own = {url: {system: frozenset(codes) for system, codes in one.items()} for url, one in found.items()}
    return {**own, **official().value_sets}


def member(vocabulary: Vocabulary, value_set: str, system: str | None, code: str) -> bool | None:
    """The same, by R4's own lists and by grammars first."""
    codes = _listed().get(value_set.partition("|")[0])
    if codes is None:
        answer = by_grammar(value_set, code)
        return vocabulary.holds(value_set, system, code) if answer is None else answer
    return any(code in one for one in codes.values()) if system is None else code in codes.get(system, ())


def codes_of(item: Item) -> list[tuple[str | None, str]]:
    """The codes of an element, each with its system; a plain code has None, for its system is understood."""
    value = item.value
    if isinstance(value, str):
        return [(None, value)]
    if not isinstance(value, dict):
        return []
    coded = value.get("coding", []) if item.type == "CodeableConcept" else [value]
    return [(str(one.get("system", "")), str(one["code"])) for one in coded if isinstance(one, dict) and "code" in one]
