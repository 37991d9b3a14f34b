"""
Plain words for what a resident meets in the record: a name in both languages and a sentence that explains it.

The words are data (`data/plain_words.json`); a code without an entry is shown as its sender calls it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from portal.concepts import Json, codings, words


@dataclass(frozen=True, slots=True)
class Term:
    """A name as its sender says it, the English name, and the explanations; empty where nobody wrote one."""

    name: str
    english: str = ""
    explained: str = ""
    explained_english: str = ""


def term(concept: Json | None) -> Term:
    """The words of a concept."""
    name = words(concept)
    known = _known()
    for system, code in codings(concept):
        if entry := known.get((system, code)) or known.get((system, code.partition(".")[0])):
            return Term(name, entry["en"], entry["zh_text"], entry["en_text"])
    return Term(name)


@cache
def _known() -> Mapping[tuple[str, str], Mapping[str, str]]:
    stored = json.loads(resources.files("portal").joinpath("data/plain_words.json").read_text("utf-8"))
    return {(system, one["code"]): one for system, entries in stored["systems"].items() for one in entries}
